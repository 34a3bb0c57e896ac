import type { Clock } from '../../base';
import { notAfterSecOf, readTlsPair } from '../../dispatcher';
import { type CheckResult, fail, ok, warn } from '../provider/check';
import type { KeeperConfig } from './doctor-context';

const soonSec = 14 * 86_400;
const renew = 'renew the certificate: a running dispatcher takes up the new files by itself';

/** Certificate and key belong together, and last. Whether others trust it only they can tell. */
export function checkTls(config: KeeperConfig, clock: Clock): CheckResult[] {
    if (!('tls' in config) || config.tls === undefined) return [];
    const notAfterSec = notAfterSecOf(readTlsPair(config.tls));
    const leftSec = notAfterSec - clock.nowMs() / 1000;
    const detail = `the certificate ends at ${new Date(notAfterSec * 1000).toISOString()}`;
    if (leftSec <= 0) return [fail('tls', detail, renew)];
    return [leftSec < soonSec ? warn('tls', detail, renew) : ok('tls', detail)];
}
