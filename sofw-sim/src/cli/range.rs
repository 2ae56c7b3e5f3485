//! Ranges of seeds on the command line: `7`, `1..20` (both included).

use std::str::FromStr;

/// First and last seed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seeds {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl Seeds {
    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = u64> {
        self.first..=self.last
    }
}

impl FromStr for Seeds {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim().parse::<u64>().map_err(|_| format!("{text:?} is no seed; expected e.g. 7 or 1..20"))
        };
        let (first, last) = match text.split_once("..") {
            None => (number(text)?, number(text)?),
            Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
        };
        if first > last {
            return Err(format!("the first seed, {first}, is beyond the last, {last}"));
        }
        Ok(Seeds { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::Seeds;

    #[test]
    fn both_ends_count() {
        assert_eq!("1..3".parse::<Seeds>().unwrap().iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!("7".parse::<Seeds>().unwrap().iter().collect::<Vec<_>>(), [7]);
        assert_eq!("1..=2".parse::<Seeds>().unwrap().iter().count(), 2);
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for bad in ["", "x", "3..1", "1..x", "-1"] {
            assert!(bad.parse::<Seeds>().is_err(), "{bad}");
        }
        assert!("a..b".parse::<Seeds>().unwrap_err().contains("1..20"));
    }
}
