use std::ops::Bound::{Excluded, Included};
use std::time::Instant;
use skewer::resolve::*;
struct R(u64);
impl R { fn below(&mut self, end: u64) -> u64 { self.0 = self.0.wrapping_add(1); skewer_kernels::mix_one(self.0) % end } }
fn point(n: u64) -> [u8; 16] { let mut k = [b'.'; 16]; k[8..].copy_from_slice(&n.to_be_bytes()); k }
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let (threads, size, ordered, window, forced, total) = (a[0], a[1], a[2] == 1, a[3], a[4] == 1, a[5]);
    let r = Resolver::new(Checked::Serializable).with_room_for(window * 2);
    let shared = SharedResolver::new(if ordered { r.expecting_ranges() } else { r });
    if forced { let s: Vec<[u8;16]> = (0..64u64).map(|i| point(i * 20_000_000 / 64)).collect(); let s: Vec<&[u8]> = s.iter().map(|x| &x[..]).collect(); shared.divide(&s).unwrap(); }
    let calls = total / size / threads;
    let t = Instant::now();
    std::thread::scope(|scope| { for th in 0..threads { let shared = &shared; scope.spawn(move || {
        let mut c = shared.committer(); let mut random = R((th as u64) << 40); let mut batch = Batch::new(); let mut v = Vec::new();
        for call in 0..calls {
            batch.clear(); let snapshot = shared.version();
            for _ in 0..size {
                let [read, write] = [(); 2].map(|()| random.below(20_000_000) & !7);
                let keys = [read, write].map(|n| (point(n), point(n + 5)));
                let mut adding = batch.begin(snapshot);
                if ordered { adding.read_range(0, Included(&keys[0].0[..]), Excluded(&keys[0].1)).unwrap(); adding.write_range(0, Included(&keys[1].0[..]), Excluded(&keys[1].1)).unwrap(); }
                else { adding.read(0, &keys[0].0).unwrap().write(0, &keys[1].0).unwrap(); }
            }
            c.resolve(&batch, &mut v).unwrap();
            if call % 64 == 0 { let kept = (window / size).max(1) as Version; shared.with(|r| r.forget_before((r.version() - kept).max(r.floor()))).unwrap().unwrap(); }
        }
    }); } });
    println!("{a:?} {:.2} M/s  {:.0} ns per call and thread {}", total as f64 / t.elapsed().as_secs_f64() / 1e6, t.elapsed().as_nanos() as f64 / calls as f64, shared.stats());
}
