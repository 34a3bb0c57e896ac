import { createSnpDevelopmentPki, mintSnpReport } from '../../../keepers/attestation';
import { decodeJson, helloSchema, maxHelloBytes } from '../../../keepers/dispatch';
import { ConnectedNode } from '../../../keepers/dispatch/connected-node';
import type { GreetedNode } from '../../../keepers/dispatch/hello';
import { updateSchema } from '../../../keepers/dispatch/link-messages';
import type { NodeLink } from '../../../keepers/dispatch/node-link';
import { nodeRowSchema } from '../../../keepers/gateway/trusted-node';
import { node } from './sealed-request';

const pki = createSnpDevelopmentPki({ seed: Buffer.alloc(32, 5), now: new Date('2026-02-20') });
const { report, certificates } = mintSnpReport({ pki, reportData: Buffer.alloc(64) });
const snp = { vek: Buffer.from(certificates.vek).toString('base64'), chain: certificates.chain };

const helloWith = (fields: object) => ({
    nodeKey: node.publicKey.toString('hex'),
    bundle: 'AAAA',
    quote: report.toString('base64'),
    collateral: null,
    kemCertificates: [Buffer.alloc(2_000).toString('base64')],
    offer: 'AAAA',
    signature: 'AAAA',
    ...fields,
});
const read = (fields: object) => decodeJson(helloSchema, Buffer.from(JSON.stringify(helloWith(fields))));

const rowOf = (connected: ConnectedNode) => JSON.parse(connected.directoryRow().toString('utf8')) as object;

describe('certificates of a SEV-SNP report in a hello', () => {
    it('are read in their form only, and are absent for a quote', () => {
        expect(read({})!.snp).toBeUndefined();
        expect(read({ snp })!.snp).toEqual({ vek: Buffer.from(certificates.vek), chain: certificates.chain });
        for (const wrong of [{}, 'x', { ...snp, crl: 'AAAA' }, { ...snp, vek: '?' }, { vek: snp.vek }]) {
            expect(read({ snp: wrong })).toBeUndefined();
        }
        expect(read({ snp: { ...snp, chain: 'x'.repeat(32_769) } })).toBeUndefined();
        expect(JSON.stringify(helloWith({ snp })).length).toBeLessThan(maxHelloBytes);
    });

    it('come with a new report of the same key', () => {
        const terms = { kemCertificates: ['AAAA'], offer: 'AAAA', inFlight: 0, queued: 0 };
        const update = { ...terms, evidence: { bundle: 'AAAA', quote: 'AAAA', snp } };
        const decoded = decodeJson(updateSchema, Buffer.from(JSON.stringify(update)));
        expect(decoded!.evidence!.snp!.chain).toBe(certificates.chain);
    });

    it('stand in the directory as the node showed them last, and as gateways read them', () => {
        const hello = read({ snp })!;
        const terms = { kemCertificates: [], offer: { signed: Buffer.alloc(1), maxConcurrency: 1 } };
        const greeted = { ...terms, nodeKey: node.publicKey } as unknown as GreetedNode;
        const connected = new ConnectedNode(greeted, hello, 1, 0);
        connected.link = { inFlight: 0 } as NodeLink;
        const row = { ...rowOf(connected), kemCertificates: ['AAAA'] };
        expect(nodeRowSchema.parse(row).snp).toEqual(snp);
        connected.accept(greeted, { ...hello, snp: undefined });
        expect(rowOf(connected)).not.toHaveProperty('snp');
    });
});
