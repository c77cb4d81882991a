#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evenstep_fuzz::acts(bytes));
