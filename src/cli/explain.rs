//! `skewer explain`.

use skewer::models::catalog;

use super::args::ExplainArgs;
use super::destination;

/// Prints what the models mean.
pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<()> {
    let entries: Vec<String> =
        args.models.iter().map(|model| wrapped(&catalog::entry(*model).to_string())).collect();
    destination::print(&entries.join("\n\n"))
}

/// Lines of at most a hundred characters; those that go on are indented as far as they began.
fn wrapped(text: &str) -> String {
    const WIDEST: usize = 100;
    let mut all = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let mut width = indent;
        all.push_str(&line[..indent]);
        for (at, word) in line.split_whitespace().enumerate() {
            let length = word.chars().count();
            if at > 0 && width + 1 + length > WIDEST {
                width = indent + 2 * usize::from(indent > 0);
                all.push('\n');
                all.extend(std::iter::repeat_n(' ', width));
            } else if at > 0 {
                all.push(' ');
                width += 1;
            }
            all.push_str(word);
            width += length;
        }
        all.push('\n');
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: no line is wider than a hundred characters, and no word is lost.
    #[test]
    fn wraps() {
        for model in skewer::Model::ALL {
            let text = catalog::entry(model).to_string();
            let wrapped = wrapped(&text);
            assert!(wrapped.lines().all(|line| line.chars().count() <= 100), "{wrapped}");
            assert_eq!(
                wrapped.split_whitespace().collect::<Vec<_>>(),
                text.split_whitespace().collect::<Vec<_>>()
            );
        }
    }
}
