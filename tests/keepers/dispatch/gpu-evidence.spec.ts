import { createGpu, createGpuPki, mintGpuDocument } from '../../../keepers/attestation';
import { decodeJson, helloSchema, maxHelloBytes } from '../../../keepers/dispatch';
import { ConnectedNode } from '../../../keepers/dispatch/connected-node';
import type { GreetedNode } from '../../../keepers/dispatch/hello';
import type { NodeLink } from '../../../keepers/dispatch/node-link';
import { node } from './sealed-request';

const pki = createGpuPki({ seed: Buffer.alloc(32, 5), now: new Date('2026-02-20') });
const gpuEvidence = (count: number) =>
    mintGpuDocument(
        Array.from({ length: count }, (_, index) => createGpu(pki, { name: `gpu ${index}` })),
        { nonce: Buffer.alloc(32, 1) },
    );

const helloWith = (fields: object) => ({
    nodeKey: node.publicKey.toString('hex'),
    bundle: 'AAAA',
    quote: Buffer.alloc(8_000).toString('base64'),
    collateral: null,
    kemCertificates: [Buffer.alloc(2_000).toString('base64')],
    offer: 'AAAA',
    signature: 'AAAA',
    ...fields,
});
const read = (fields: object) => decodeJson(helloSchema, Buffer.from(JSON.stringify(helloWith(fields))));

const rowOf = (connected: ConnectedNode) => JSON.parse(connected.directoryRow().toString('utf8')) as object;

describe('GPU evidence in a hello', () => {
    it('is read in its form only, and may be absent', () => {
        expect(read({})!.gpuEvidence).toBeUndefined();
        expect(read({ gpuEvidence: gpuEvidence(2) })!.gpuEvidence).toHaveLength(2);
        for (const wrong of [[], {}, 'x', [{}], [{ ...gpuEvidence(1)[0], extra: 1 }]]) {
            expect(read({ gpuEvidence: wrong })).toBeUndefined();
        }
    });

    it('has room for sixteen GPUs, and none for more', () => {
        const full = { gpuEvidence: gpuEvidence(16) };
        expect(JSON.stringify(helloWith(full)).length).toBeLessThan(maxHelloBytes);
        expect(read(full)).toBeDefined();
        expect(read({ gpuEvidence: [...full.gpuEvidence, full.gpuEvidence[0]] })).toBeUndefined();
    });

    it('stands in the directory as the node showed it last', () => {
        const hello = read({ gpuEvidence: gpuEvidence(1) })!;
        const terms = { kemCertificates: [], offer: { signed: Buffer.alloc(1), maxConcurrency: 1 } };
        const greeted = { ...terms, nodeKey: node.publicKey } as unknown as GreetedNode;
        const connected = new ConnectedNode(greeted, hello, 1, 0);
        connected.link = { inFlight: 0 } as NodeLink;
        expect(rowOf(connected)).toMatchObject({ gpuEvidence: hello.gpuEvidence });
        connected.accept(greeted, { ...hello, gpuEvidence: undefined });
        expect(rowOf(connected)).not.toHaveProperty('gpuEvidence');
    });
});
