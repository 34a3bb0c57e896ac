import { generateSigner, type Signer } from '../../../keepers/confidential';
import { capDigest, receiptDigest } from '../../../wrappers';
import { auditReceipts, type ReceiptEvidence } from './audit-receipts';
import { Findings } from './findings';
import type { GatewayAnswer } from './gateway-answers';
import type { KeptReceipt } from './statements';

const network = Buffer.alloc(32, 1);
const escrow = Buffer.alloc(32, 2);
const scope = { network, escrow, epoch: 3 };
const [node, session] = [generateSigner(), generateSigner()];

/** A final receipt as the node's log keeps it. */
function kept(sequence: number, cumulativeNano: bigint, signer: Signer = node): KeptReceipt {
    const tail = {
        nodeKey: node.publicKey,
        sessionKey: session.publicKey,
        sequence,
        costNano: 5n,
        cumulativeNano,
        reference: Buffer.alloc(32, sequence),
    };
    const requestHash = Buffer.alloc(32, 100 + sequence);
    const digest = capDigest({ ...scope, nodeKey: node.publicKey, cumulativeNano: 100n, requestHash });
    return {
        escrow,
        epoch: scope.epoch,
        receipt: tail,
        signature: signer.sign(receiptDigest({ ...scope, ...tail })),
        final: true,
        cap: {
            sessionKey: session.publicKey,
            requestHash,
            capCumulativeNano: 100n,
            capSignature: session.sign(digest),
        },
        keeper: 'the test',
    };
}

function answerWith(receipt: KeptReceipt): GatewayAnswer {
    return {
        requestId: 'one',
        state: 'final',
        receipt: { signature: receipt.signature.toString('hex') },
    } as GatewayAnswer;
}

const receipts = [kept(1, 5n), kept(2, 10n)];
const sound: ReceiptEvidence = {
    network,
    acknowledged: [{ id: 'one', gateway: 'g', streamed: true, atMs: 0 }],
    gateways: new Map([['g', new Map([['one', answerWith(receipts[1]!)]])]]),
    dispatcher: {
        finals: receipts,
        outstanding: new Map(),
        totals: { finalReceipts: 0, costNano: 0n },
        contradictions: 0,
    },
    nodeLogs: receipts,
};

function rulesBroken(evidence: Partial<ReceiptEvidence>): string[] {
    const findings = new Findings();
    auditReceipts({ ...sound, ...evidence }, findings);
    return [...new Set(findings.list.map(({ rule }) => rule))];
}

test('sound books break no rule, and come to what was signed last', () => {
    const findings = new Findings();
    const [account] = auditReceipts(sound, findings).values();
    expect(findings.list).toEqual([]);
    expect(findings.checks).toBeGreaterThan(5);
    expect(account).toMatchObject({ cumulativeNano: 10n, finalsNano: [5n, 10n] });
});

const dispatcherWith = (finals: KeptReceipt[]) => ({ ...sound.dispatcher, finals });

test.each<[string, Partial<ReceiptEvidence>, string]>([
    ['that its gateway forgot', { gateways: new Map([['g', new Map()]]) }, 'acknowledged and kept'],
    ['that the dispatcher lost', { dispatcher: dispatcherWith([receipts[0]!]) }, 'acknowledged and kept'],
    ['that the node lost', { nodeLogs: [receipts[0]!] }, 'acknowledged and kept'],
    ['that someone else signed', { nodeLogs: [...receipts, kept(3, 15n, session)] }, 'signatures'],
    ['beside another of its number', { nodeLogs: [...receipts, kept(2, 11n)] }, 'one history'],
    ['with a smaller sum than before', { nodeLogs: [...receipts, kept(3, 9n)] }, 'one history'],
    ['that contradicts another', { dispatcher: { ...sound.dispatcher, contradictions: 1 } }, 'one history'],
    [
        'for a request that has one',
        {
            nodeLogs: [
                ...receipts,
                (() => {
                    const again = kept(3, 15n);
                    const receipt = { ...again.receipt, reference: receipts[1]!.receipt.reference };
                    return { ...again, receipt, signature: node.sign(receiptDigest({ ...scope, ...receipt })) };
                })(),
            ],
        },
        'billed once',
    ],
])('a receipt %s is found', (_what, evidence, rule) => {
    expect(rulesBroken(evidence)).toContain(rule);
});

test('a cap under another sum than was signed is found', () => {
    const raised = { ...receipts[1]!, cap: { ...receipts[1]!.cap!, capCumulativeNano: 101n } };
    expect(rulesBroken({ nodeLogs: [receipts[0]!, raised] })).toEqual(['signatures']);
});
