//! What HTTP costs without a prediction: parses the rows of `POST /predict` as JSON, and answers a constant.
//! `bench/serve` measures Evenstep's server beside it.
//!
//! ```sh
//! cargo run --release -p evenstep-server --example constant -- 127.0.0.1:8081
//! ```

use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};

async fn answer(Json(rows): Json<Value>) -> Json<Value> {
    let rows = rows.as_array().map_or(1, Vec::len);
    let answer = json!({ "id": 0, "prediction": "0", "probability": { "0": 0.5, "1": 0.5 } });
    Json(json!({ "model": "constant", "version": "0", "digest": "0", "predictions": vec![answer; rows] }))
}

#[tokio::main]
async fn main() {
    let address = std::env::args().nth(1).expect("an address to listen on");
    let listener = tokio::net::TcpListener::bind(address).await.expect("the address is free");
    axum::serve(listener, Router::new().route("/predict", post(answer))).await.expect("it serves until it is killed");
}
