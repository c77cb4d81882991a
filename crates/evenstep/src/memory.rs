//! The allocator, and what it does with memory that isn't needed any more.
#![allow(unsafe_code, reason = "a foreign interface: the allocator is set by functions of C")]

use std::ffi::{c_int, c_long};

/// An answer of the server makes and drops some hundred small things, which takes less time than by the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

// Source: mimalloc.h of version 3.
unsafe extern "C" {
    fn mi_option_get(option: c_int) -> c_long;
    fn mi_option_set(option: c_int, value: c_long);
}

/// After so many milliseconds memory goes back to the system; never, below 0.
const PURGE_DELAY: c_int = 15;
/// The delay, unless somebody chose another; no other option is the same.
const DEFAULT: c_long = 1000;

/// Has memory come in small pages, but where large ones are asked for. Of a large one 2 MB are cleared and held though less is
/// needed; and a guest whose host takes back what is free waits thirty times as long for one.
pub(crate) fn in_small_pages() {
    #[cfg(target_os = "linux")]
    {
        use std::ffi::c_ulong;
        // Source: linux/prctl.h.
        const PR_SET_THP_DISABLE: c_int = 41;
        const PR_THP_DISABLE_EXCEPT_ADVISED: c_ulong = 1 << 1;
        unsafe extern "C" {
            fn prctl(option: c_int, disable: c_ulong, flags: c_ulong, none: c_ulong, nor: c_ulong) -> c_int;
        }
        // SAFETY: it changes nothing but which pages this process is given.
        let refused = unsafe { prctl(PR_SET_THP_DISABLE, 1, PR_THP_DISABLE_EXCEPT_ADVISED, 0, 0) } != 0;
        // A kernel before 6.18 knows all or nothing. Where it gives large ones to those who ask alone, nobody else gets any.
        let enabled = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
        if refused && enabled.is_ok_and(|enabled| enabled.starts_with("[always]")) {
            // A kernel that knows no large ones has none.
            let _ = rustix::thread::disable_transparent_huge_pages(true);
        }
    }
}

/// Keeps what was once had until the program ends. A training needs it again at once, and the system would clear it first.
pub(crate) fn keep() {
    // SAFETY: mimalloc takes its options from one thread, and no other was started yet.
    unsafe {
        if mi_option_get(PURGE_DELAY) == DEFAULT {
            mi_option_set(PURGE_DELAY, -1);
        }
    }
}
