//! Nothing is altered without a [`Consent`], and only a person's yes makes one.

/// Somebody saw the change and said yes to it.
#[derive(Debug)]
pub struct Consent(());

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoConsent {
    /// The person said no, or nothing.
    #[error("nothing was changed: the answer was not yes")]
    Declined,
    /// There is no terminal to ask at, and no word on the command line.
    #[error("nobody can be asked: standard input is no terminal")]
    NobodyThere,
}

impl Consent {
    /// From the command line (`--yes`), or from an answer at the terminal; `ask` gives what was typed, or nothing where
    /// nobody can be asked.
    ///
    /// # Errors
    /// Nobody said yes.
    pub fn ask(said_before: bool, ask: impl FnOnce() -> Option<String>) -> Result<Self, NoConsent> {
        if said_before {
            return Ok(Self(()));
        }
        let typed = ask().ok_or(NoConsent::NobodyThere)?;
        match typed.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(Self(())),
            _ => Err(NoConsent::Declined),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        let typed = |text: &str| Consent::ask(false, || Some(text.to_owned())).err();
        assert_eq!((typed("y\n"), typed("Yes")), (None, None));
        for no in ["", "\n", "n", "yes please", "j"] {
            assert_eq!(typed(no), Some(NoConsent::Declined), "{no}");
        }
        assert_eq!(Consent::ask(false, || None).err(), Some(NoConsent::NobodyThere));
        assert!(Consent::ask(true, || None).is_ok());
    }
}
