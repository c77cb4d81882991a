//! What is looked at while the server runs: the file that says what to serve, bundles, certificates and keys. Looked at every
//! second, and at once when a signal to hang up says so; files cost no watcher then that works otherwise on each system.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval};

use crate::Service;
use crate::keyring::Keyring;
use crate::limits::WATCH_EVERY;
use crate::models::{TakenOver, Undone};
use crate::stop::Stop;
use crate::tls::Tls;

/// What is looked at besides what is served.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) keyrings: Vec<Arc<Keyring>>,
}

/// Looks until the server stops; what there is to load is loaded on a thread that answers nobody.
pub(crate) async fn watch(service: Arc<Service>, files: Files, mut hang_up: HangUp, stop: Stop) {
    let mut every = interval(WATCH_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_asked = tokio::select! {
            () = stop.due() => return,
            _ = every.tick() => false,
            () = hang_up.told() => true,
        };
        if is_asked {
            tell_what_is_not_looked_at(&service);
        }
        let (service, files) = (Arc::clone(&service), files.clone());
        // A panic is a bug of ours; the next look may go well.
        let _ = tokio::task::spawn_blocking(move || look(&service, &files, is_asked)).await;
    }
}

/// Who hangs up expects something to be read anew.
fn tell_what_is_not_looked_at(service: &Service) {
    if !service.models.is_watched() {
        let because =
            "they were named when the server started; a file that lists what to serve is read anew: `--config FILE`";
        service.log.event("bundles_not_read_anew", &[("because", json!(because))]);
    }
}

fn look(service: &Service, files: &Files, is_asked: bool) {
    // First who may ask: to load bundles takes a while.
    for keyring in &files.keyrings {
        let file = json!(keyring.path().to_string_lossy());
        match keyring.look() {
            None => {}
            Some(Ok(count)) => service.log.event("keys_changed", &[("file", file), ("keys", json!(count))]),
            Some(Err(what)) => {
                let goes_on = json!("the keys that were taken before go on being taken");
                let members = [("file", file), ("because", json!(what.to_string())), ("so", goes_on)];
                service.log.event("keys_refused", &members);
            }
        }
    }
    let looked = service.models.look(is_asked);
    if let Some(looked) = &looked {
        service.metrics.config_read(looked.is_ok());
    }
    match looked {
        None => {}
        Some(Ok(None)) => service.log.event("models_unchanged", &[]),
        Some(Ok(Some(TakenOver { ended, undone, replaced }))) => {
            let default = replaced.after.default();
            let (model, version) = (default.name(), default.version());
            let default = json!({ "model": model, "version": version, "digest": default.predictor.digest });
            service.log.event("models_changed", &[("default", default), ("no_longer", json!(ended))]);
            for Undone { model, alias, was, now } in undone {
                let members =
                    [("model", json!(model)), ("alias", json!(alias)), ("was", json!(was)), ("now", json!(now))];
                service.log.event("alias_undone", &members);
            }
            service.tell_contracts(&replaced);
        }
        Some(Err(what)) => {
            let goes_on = json!("what was served before goes on being served");
            service.log.event("models_refused", &[("because", json!(what)), ("so", goes_on)]);
        }
    }
    match files.tls.as_deref().and_then(Tls::look) {
        None => {}
        Some(Ok(())) => {
            service.log.event("certificate_changed", &[]);
            files.tls.iter().for_each(|tls| tell_end(service, tls));
        }
        Some(Err(what)) => {
            let goes_on = json!("the certificate that was shown before goes on being shown");
            service.log.event("certificate_refused", &[("because", json!(what.to_string())), ("so", goes_on)]);
        }
    }
}

/// Tells when the certificate ends; clients take none that has ended.
pub(crate) fn tell_end(service: &Service, tls: &Tls) {
    let Some(ends) = tls.ends() else { return };
    service.metrics.certificate_ends(ends);
    if ends < Timestamp::now() {
        service.log.event("certificate_expired", &[("ended", json!(ends.to_string()))]);
    }
}

/// The signal to hang up, where there is one. From the moment that it is heard it ends the server no more, whether anything is
/// looked at or not.
pub(crate) struct HangUp {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl HangUp {
    pub(crate) fn new() -> HangUp {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        HangUp {
            #[cfg(unix)]
            signal: signal(SignalKind::hangup()).ok(),
        }
    }

    async fn told(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
