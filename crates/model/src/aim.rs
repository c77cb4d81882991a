//! What a model's numbers are of their target.

/// What a model's numbers are of their target: what they are judged by, if nobody says.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Aim {
    /// Its mean; or whatever a task other than a regression asks for.
    #[default]
    Mean,
    /// A quantile of it.
    Quantile(f64),
    /// Its mean, where its variance is as the mean.
    Poisson,
    /// Its mean, where its variance is as that power of the mean.
    Tweedie(f64),
    /// Its mean, where its variance is as the square of the mean.
    Gamma,
}

impl Aim {
    /// The targets that it is for, in words, if these aren't all numbers.
    pub fn targets(self) -> Option<&'static str> {
        match self {
            Aim::Mean | Aim::Quantile(_) => None,
            Aim::Poisson => Some("counts"),
            Aim::Tweedie(_) => Some("sums of 0 and above"),
            Aim::Gamma => Some("sizes above 0"),
        }
    }

    /// Whether it is for such a target.
    pub fn allows(self, target: f64) -> bool {
        match self {
            Aim::Mean | Aim::Quantile(_) => true,
            Aim::Poisson | Aim::Tweedie(_) => target >= 0.0,
            Aim::Gamma => target > 0.0,
        }
    }

    /// The metric that is least where the aim is met, if it isn't among the task's usual ones.
    pub(crate) fn metric(self) -> Option<&'static str> {
        match self {
            Aim::Mean => None,
            Aim::Quantile(_) => Some("pinball"),
            Aim::Poisson => Some("poisson_deviance"),
            Aim::Tweedie(_) => Some("tweedie_deviance"),
            Aim::Gamma => Some("gamma_deviance"),
        }
    }
}
