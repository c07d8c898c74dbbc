//! TLS by rustls with ring, chosen for this client and not for the process.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls_platform_verifier::Verifier;

/// TLS that trusts what the machine trusts; nothing at all if the machine has no certificates.
pub(super) fn tls(is_needed: bool) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    match Verifier::new(provider) {
        Ok(verifier) => {
            let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
            Ok(builder.with_no_client_auth())
        }
        // A small container without certificates can still reach a server on the same machine.
        Err(_) if !is_needed => Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()),
        Err(error) => Err(error),
    }
}
