//! What can go wrong with an image.

/// An engine that can't be put into an image.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ImageError {
    /// It isn't a program for Linux.
    #[error("the engine is no 64-bit ELF program for Linux on x86-64 or aarch64: {0}")]
    NoProgram(&'static str),
    /// It needs a loader and libraries, which the image doesn't have.
    #[error("the engine needs `{0}`, and the image holds nothing but the engine and the bundle")]
    NotStatic(String),
}

impl ImageError {
    /// How to build an engine that can be put into an image.
    pub fn help(&self) -> &'static str {
        "build a static one by `RUSTFLAGS=\"-C target-feature=+crt-static -C strip=symbols\" cargo build --release --locked \
         --target x86_64-unknown-linux-gnu --no-default-features --features serve,grpc,otel`, and name it with `--engine`"
    }
}
