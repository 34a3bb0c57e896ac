import { createHash } from 'node:crypto';
import { Wallet } from 'ethers';
import { type Verdict, verifyTdxQuote } from '../../../../keepers/attestation';
import {
    type DstackExpectation,
    type DstackVerdict,
    judgeDstackAttestation,
    mintDstackReport,
    type MintDstackReportOptions,
    type MintedDstackReport,
    parseDstackReport,
} from '../../../../keepers/attestation/dstack';
import { now, pki } from '../development-evidence';

export const wallet = new Wallet('0x' + createHash('sha256').update('dstack engine').digest('hex'));
export const address = Buffer.from(wallet.address.slice(2), 'hex');
export const nonce = createHash('sha256').update('nonce').digest();

export function mint(options: Partial<MintDstackReportOptions> = {}): MintedDstackReport {
    return mintDstackReport({ pki, signingAddress: address, nonce, ...options });
}

/** What a report says after its one attestation was changed. */
export function changed(minted: MintedDstackReport, changes: Record<string, unknown>): MintedDstackReport {
    return { ...minted, report: { ...minted.report, all_attestations: [], ...changes } };
}

/** Judges the first attestation under the development root, at the date it was minted for. */
export function judge({ report, collateral }: MintedDstackReport, expected: DstackExpectation = {}): DstackVerdict {
    const [attestation] = parseDstackReport(JSON.parse(JSON.stringify(report)));
    const quote: Verdict = verifyTdxQuote(attestation!.quote, collateral, {
        at: now,
        rootPublicKey: pki.rootPublicKey,
    });
    return judgeDstackAttestation(attestation!, quote, expected);
}
