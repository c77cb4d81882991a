//! The C interface: `include/evenstep.h` says what each function does. What a model does is in `model`, without anything
//! unsafe; `border` is what C sees.

mod border;
mod model;
