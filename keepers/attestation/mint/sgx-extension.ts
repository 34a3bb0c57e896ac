import { oid } from '../parse/oids';
import type { PlatformFacts } from '../parse/sgx-extension';
import { derTrue, enumerated, integer, octetString, oidBytes, sequence } from './der-writer';

const item = (suffix: string, value: Buffer): Buffer => sequence(oidBytes(oid.sgxExtension + suffix), value);

/**
 * Intel's extension of a PCK certificate, items in Intel's order: PPID, TCB (16 components, PCE SVN, CPU SVN), PCE id,
 * FMSPC, SGX type, and for Platform CA certificates the platform instance id and configuration.
 */
export function sgxExtension(facts: PlatformFacts, platformInstanceId: Buffer | null): Buffer {
    const isPlatform = platformInstanceId !== null;
    return sequence(
        item('01', octetString(facts.ppid)),
        item('02', tcb(facts)),
        item('03', octetString(facts.pceId)),
        item('04', octetString(facts.fmspc)),
        item('05', enumerated(isPlatform ? 1 : 0)),
        ...(isPlatform ? [item('06', octetString(platformInstanceId)), item('07', configuration())] : []),
    );
}

function tcb({ components, pceSvn }: PlatformFacts): Buffer {
    const svns = components.map((svn, i) => item(`02${(i + 1).toString(16).padStart(2, '0')}`, integer(svn)));
    return sequence(...svns, item('0211', integer(pceSvn)), item('0212', octetString(Buffer.from(components))));
}

/** Dynamic platform, cached keys, SMT enabled: all true, as on Intel's servers. */
function configuration(): Buffer {
    return sequence(item('0701', derTrue), item('0702', derTrue), item('0703', derTrue));
}
