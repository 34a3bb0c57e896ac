import { AttestationError } from '../../errors';
import { isZero, parseReport, type SigningKeyKind } from '../parse/report';
import { isCpuOf, products, type ProductLine } from '../product';
import { readTcb, type TcbVersion } from '../tcb';

/** Which authorities a report hangs on. */
export interface AuthorityNeeds {
    line: ProductLine;
    signingKey: SigningKeyKind;
}

/** And which chip-bound key signed it; null where the service can't know: VLEKs, and chips that the host masks. */
export interface EndorsementNeeds extends AuthorityNeeds {
    chip: { id: Buffer; tcb: TcbVersion } | null;
}

/**
 * What to ask the key distribution service for. Nothing of the report is verified here, so ask only for reports that someone
 * chose to look at, never for whatever a stranger sends: one could make a verifier ask for any number of chips.
 *
 * @param line where the report does not say it: before version 3
 */
export function endorsementNeeds(bytes: Uint8Array, line?: ProductLine): EndorsementNeeds {
    try {
        const { cpu, signingKey, chipId, reportedTcb } = parseReport(Buffer.from(bytes));
        const product = cpu === null ? undefined : Object.values(products).find((one) => isCpuOf(one, cpu));
        const found = line ?? product?.line;
        if (found === undefined) throw unusable('the report does not say its product line: name it');
        if (signingKey === null) throw unusable('the report names no key that signs it');
        const isKnown = signingKey === 'vcek' && !isZero(chipId);
        const id = chipId.subarray(0, products[found].chipIdLength);
        return { line: found, signingKey, chip: isKnown ? { id, tcb: readTcb(reportedTcb, found) } : null };
    } catch (error) {
        throw error instanceof AttestationError ? error : unusable('not a SEV-SNP report', error);
    }
}

function unusable(message: string, cause?: unknown): AttestationError {
    return new AttestationError('evidence_unusable', message, cause);
}
