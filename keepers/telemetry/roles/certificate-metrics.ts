import { pulledGauge } from '../instruments';
import type { RoleTelemetry } from '../telemetry';

/** Of a role that speaks TLS itself: everybody who dials after its certificate's end is refused by their own check. */
export function watchCertificate(telemetry: RoleTelemetry, notAfterSec: () => number): void {
    const help = 'When the TLS certificate in use ends';
    pulledGauge(telemetry.registry, 'cocoon_tls_certificate_expiry_timestamp_seconds', help, notAfterSec);
    telemetry.addStatus('tls', () => ({ certificateEndsAt: new Date(notAfterSec() * 1000).toISOString() }));
}
