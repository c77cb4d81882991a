#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evenstep_fuzz::request_parquet(bytes));
