//! The image: its layers, its configuration, its manifest, and the file that holds them all.

use evenstep_exact::canonical::canonical_json;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Engine;
use crate::layer::{File, tar};

/// What an image is made of besides the engine.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The pipeline's name.
    pub name: &'a str,
    /// The artifact's version.
    pub version: &'a str,
    /// The artifact's digest.
    pub digest: &'a str,
    /// The bundle.
    pub bundle: &'a [u8],
}

/// An image: blobs that are named by their digests.
#[derive(Clone, Debug)]
pub struct Image {
    /// Engine, then bundle.
    pub layers: Vec<Vec<u8>>,
    /// What a container of it runs, and as whom.
    pub config: Vec<u8>,
    /// What names all of these: its digest is the image's.
    pub manifest: Vec<u8>,
    reference: String,
    platform: Value,
}

const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Nobody of any host: the user that images without users customarily run as.
const USER: &str = "65532:65532";
const EPOCH: &str = "1970-01-01T00:00:00Z";
const SECOND_NANOS: u64 = 1_000_000_000;

impl Image {
    /// The image of an engine that serves a bundle.
    pub fn of(engine: &Engine, contents: Contents<'_>) -> Image {
        let layers = vec![
            tar(&[File { path: "evenstep", mode: 0o755, bytes: &engine.bytes }]),
            tar(&[File { path: "model.evenstep", mode: 0o644, bytes: contents.bundle }]),
        ];
        let platform = json!({ "architecture": engine.architecture.word(), "os": "linux" });
        let labels = json!({
            "org.opencontainers.image.created": EPOCH,
            "org.opencontainers.image.title": contents.name,
            "org.opencontainers.image.version": contents.version,
            "dev.evenstep.digest": contents.digest,
        });
        let history = |made: &str| json!({ "created": EPOCH, "created_by": format!("evenstep image: {made}") });
        let config = canonical_json(&json!({
            "created": EPOCH,
            "architecture": engine.architecture.word(),
            "os": "linux",
            "config": {
                "User": USER,
                "WorkingDir": "/",
                "Entrypoint": ["/evenstep"],
                "Cmd": ["serve", "/model.evenstep", "--listen", "0.0.0.0:8080", "--api-keys", "/api-keys.toml"],
                "ExposedPorts": { "8080/tcp": {} },
                "StopSignal": "SIGTERM",
                "Labels": labels,
                // Not of the OCI, but what Docker and Podman read there.
                "Healthcheck": {
                    "Test": ["CMD", "/evenstep", "serve", "--check"],
                    "Interval": 10 * SECOND_NANOS,
                    "Timeout": 3 * SECOND_NANOS,
                    "StartPeriod": SECOND_NANOS,
                    "Retries": 3,
                },
            },
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|layer| digest(layer)).collect::<Vec<_>>() },
            "history": [history("engine"), history("bundle")],
        }));
        let manifest = canonical_json(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, &config),
            "layers": layers.iter().map(|layer| descriptor(LAYER, layer)).collect::<Vec<_>>(),
            "annotations": labels,
        }));
        Image { layers, config, manifest, reference: contents.version.to_owned(), platform }
    }

    /// The digest that names the image: `sha256:` and 64 hex digits of its manifest.
    pub fn digest(&self) -> String {
        digest(&self.manifest)
    }

    /// The image as one file: an OCI image layout in a tar, which `skopeo copy oci-archive:image.tar` and `podman load` read.
    pub fn archive(&self) -> Vec<u8> {
        let mut manifest = descriptor(MANIFEST, &self.manifest);
        manifest["platform"] = self.platform.clone();
        manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": self.reference });
        let index = canonical_json(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest] }));
        let layout = canonical_json(&json!({ "imageLayoutVersion": "1.0.0" }));
        let blobs = self.layers.iter().chain([&self.config, &self.manifest]);
        let mut blobs: Vec<(String, &[u8])> =
            blobs.map(|blob| (format!("blobs/{}", digest(blob).replace(':', "/")), blob.as_slice())).collect();
        blobs.push(("index.json".to_owned(), &index));
        blobs.push(("oci-layout".to_owned(), &layout));
        blobs.sort();
        blobs.dedup();
        tar(&blobs.iter().map(|(path, bytes)| File { path, mode: 0o644, bytes }).collect::<Vec<_>>())
    }
}

/// What a manifest says of a blob.
fn descriptor(media_type: &str, blob: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": digest(blob), "size": blob.len() })
}

/// The name of a blob.
pub(crate) fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use oci_spec::image::{ImageConfiguration, ImageIndex, ImageManifest, OciLayout};

    use super::*;
    use crate::engine::tests::program;

    fn image(machine: u16, bundle: &[u8]) -> Image {
        let engine = Engine::new(program(machine, None)).expect("it is static");
        let contents = Contents { name: "houses", version: "0123456789ab", digest: "sha256:0123456789abcdef", bundle };
        Image::of(&engine, contents)
    }

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let entries = archive.entries().expect("it is a tar").map(|entry| {
            let mut entry = entry.expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("it is whole");
            (entry.path().expect("a path").display().to_string(), bytes)
        });
        entries.filter(|(path, _)| !path.ends_with('/')).collect()
    }

    /// Whoever knows nothing of us but the specification finds every blob, with the digest and size that it was told.
    #[test]
    fn the_layout_is_read_by_the_specification() {
        let image = image(62, b"bundle");
        let files = files(&image.archive());
        let layout = OciLayout::from_reader(files["oci-layout"].as_slice()).expect("a layout");
        assert_eq!(layout.image_layout_version(), "1.0.0");
        let index = ImageIndex::from_reader(files["index.json"].as_slice()).expect("an index");
        let [manifest] = index.manifests().as_slice() else { panic!("one manifest") };
        assert_eq!(manifest.digest().to_string(), image.digest());
        let blob = |descriptor: &oci_spec::image::Descriptor| {
            let bytes = &files[&format!("blobs/{}", descriptor.digest().to_string().replace(':', "/"))];
            assert_eq!(digest(bytes), descriptor.digest().to_string());
            assert_eq!(bytes.len() as u64, descriptor.size());
            bytes.clone()
        };
        let manifest = ImageManifest::from_reader(blob(manifest).as_slice()).expect("a manifest");
        let config = ImageConfiguration::from_reader(blob(manifest.config()).as_slice()).expect("a configuration");
        let layers: Vec<Vec<u8>> = manifest.layers().iter().map(blob).collect();
        let diffs: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
        assert_eq!(config.rootfs().diff_ids(), &diffs);
        assert_eq!(files.len(), 2 + 2 + layers.len());
        let runs = config.config().as_ref().expect("it says what runs");
        assert_eq!(runs.user().as_deref(), Some(USER));
        assert_eq!(runs.entrypoint().as_deref(), Some(["/evenstep".to_owned()].as_slice()));
        assert_eq!(super::tests::files(&layers[1])["model.evenstep"], b"bundle");
        assert_eq!(super::tests::files(&layers[0])["evenstep"], program(62, None));
    }

    #[test]
    fn the_digest_follows_engine_and_bundle_alone() {
        let digest = |machine, bundle: &[u8]| image(machine, bundle).digest();
        assert_eq!(digest(62, b"bundle"), digest(62, b"bundle"));
        assert_ne!(digest(62, b"bundle"), digest(62, b"bundle2"));
        assert_ne!(digest(62, b"bundle"), digest(183, b"bundle"));
        assert_eq!(image(62, b"bundle").archive(), image(62, b"bundle").archive());
    }
}
