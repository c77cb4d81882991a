//! The same Rust, compiled once more for wider registers: the one module with `unsafe`.
//!
//! Nothing is written by hand for a processor. The compiler vectorises a loop only where the
//! result stays the same to the bit, and never fuses a multiplication with an addition, so both
//! compilations agree everywhere. It pays: a sum or `exp` of a slice in cache takes half the time.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "only the caller of a function compiled for AVX2 can know that the processor has it")
)]

/// Asks for an item to be brought into the cache, and goes on without waiting. Beyond the end nothing happens.
#[inline(always)]
pub fn prefetch<T>(items: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: the processor ignores a prefetch that it can't do, and every x86-64 has SSE.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, at);
}

/// Does the work with the widest registers that this processor has.
///
/// What is to be vectorised has to be inlined into `work`.
#[inline]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
