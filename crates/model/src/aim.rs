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
