import { ecdsaWithSha256Algorithm, oid } from '../parse/oids';
import { authorityKeyIdentifier, extension, signedStructure } from './certificates';
import { enumerated, explicit, integer, sequence, time } from './der-writer';
import { intelDistinguishedName } from './names';
import type { SigningKey } from './signing-key';

export interface CrlSpec {
    issuer: string;
    issuerKey: SigningKey;
    thisUpdate: Date;
    nextUpdate: Date;
    revokedSerials: Buffer[];
}

/** A version 2 revocation list as Intel's: entries with a reason, then list number and authority key id. */
export function mintCrl(spec: CrlSpec): Buffer {
    const entries = spec.revokedSerials.map((serial) =>
        sequence(integer(serial), time(spec.thisUpdate), sequence(extension(oid.crlReason, enumerated(1)))),
    );
    const tbs = sequence(
        integer(1),
        ecdsaWithSha256Algorithm,
        intelDistinguishedName(spec.issuer),
        time(spec.thisUpdate),
        time(spec.nextUpdate),
        ...(entries.length > 0 ? [sequence(...entries)] : []),
        explicit(0, sequence(extension(oid.crlNumber, integer(1)), authorityKeyIdentifier(spec.issuerKey))),
    );
    return signedStructure(tbs, spec.issuerKey);
}
