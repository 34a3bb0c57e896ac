import {
    createDevelopmentPki,
    createPlatform,
    mintCollateral,
    mintTdxQuote,
    type Collateral,
} from '../../../keepers/attestation';
import { toPem } from '../../../keepers/attestation/mint/certificates';
import { judge, now, pki, reportData, tdx } from './development-evidence';

const { quote, collateral } = tdx();
const elsewhere = createDevelopmentPki({ seed: Buffer.alloc(32, 1), now });
const foreign = mintCollateral(elsewhere, createPlatform(elsewhere));
const sgxCollateral = mintCollateral(pki, createPlatform(pki, { authority: 'processor' }), { tee: 'sgx' });

function refusal(change: Partial<Collateral>): string | null {
    const verdict = judge({ quote, collateral: { ...collateral, ...change } });
    expect(verdict.verdict).toBe('rejected');
    return verdict.failedCheck;
}

describe('revocation lists', () => {
    const lists = [
        ['root_ca_crl', 'root_crl'],
        ['pck_crl', 'pck_crl'],
    ] as const;

    it.each(lists)('%s: empty, garbage and cut lists are refused', (key, code) => {
        const good = collateral[key];
        for (const bad of ['', '30', '3000', 'zz', '00'.repeat(300), good.slice(0, -2), `${good}00`, good.slice(2)]) {
            expect(refusal({ [key]: bad })).toBe(`${code}_encoding`);
        }
    });

    it.each(lists)("%s: another network's list of the same name is refused", (key, code) => {
        expect(refusal({ [key]: foreign[key] })).toBe(`${code}_signature`);
    });

    it('swapped lists are refused', () => {
        expect(refusal({ root_ca_crl: collateral.pck_crl })).toBe('root_crl_issuer');
        expect(refusal({ pck_crl: collateral.root_ca_crl })).toBe('pck_crl_issuer');
    });

    it('a list of the other PCK authority is refused', () => {
        expect(refusal({ pck_crl: sgxCollateral.pck_crl })).toBe('pck_crl_issuer');
    });

    it('an authority chain of another root is refused', () => {
        expect(refusal({ pck_crl_issuer_chain: foreign.pck_crl_issuer_chain })).toBe('pck_crl_chain');
    });

    it('a list from the future is refused', () => {
        const thisUpdate = new Date(now.getTime() + 1000);
        const evidence = tdx({ collateral: { pckCrl: { thisUpdate } } });
        expect(judge(evidence).failedCheck).toBe('pck_crl_dates');
    });

    it('lists hold at both ends of their time', () => {
        const [thisUpdate, nextUpdate] = [now, new Date(now.getTime() + 1000)];
        const evidence = tdx({ collateral: { pckCrl: { thisUpdate, nextUpdate } } });
        expect(judge(evidence, { at: thisUpdate }).verdict).toBe('accepted');
        expect(judge(evidence, { at: nextUpdate }).verdict).toBe('accepted');
        expect(judge(evidence, { at: new Date(nextUpdate.getTime() + 1) }).failedCheck).toBe('pck_crl_dates');
    });
});

describe('signed texts', () => {
    it.each([
        ['tcb_info', 'tcb_info_signature'],
        ['qe_identity', 'qe_identity_signature'],
    ] as const)('%s: any other text is refused', (key, code) => {
        const good = collateral[key];
        const rewritten = JSON.stringify(JSON.parse(good), null, 1);
        const other = key === 'tcb_info' ? 'qe_identity' : 'tcb_info';
        for (const bad of [
            '',
            '{}',
            'null',
            `${good} `,
            `\ufeff${good}`,
            rewritten,
            collateral[other],
            sgxCollateral[key],
        ]) {
            expect(refusal({ [key]: bad })).toBe(code);
        }
    });

    it.each(['tcb_info_signature', 'qe_identity_signature'] as const)('%s: any other signature is refused', (code) => {
        const good = collateral[code];
        for (const bad of ['', 'zz', good.slice(2), `${good}00`, '00'.repeat(64), foreign[code]]) {
            expect(refusal({ [code]: bad })).toBe(code);
        }
    });

    it.each(['tcb_info', 'qe_identity'] as const)('%s: a chain that is not that of a TCB signer is refused', (key) => {
        const root = pki.root.der;
        const { pck, authority } = createPlatform(pki);
        const chains = [
            '',
            'garbage',
            foreign.tcb_info_issuer_chain,
            collateral.pck_crl_issuer_chain,
            toPem([root, root]),
            toPem([root]),
            toPem([pck.der, authority.der, root]),
            `${collateral.tcb_info_issuer_chain}x`,
        ];
        for (const chain of chains) {
            expect(refusal({ [`${key}_issuer_chain`]: chain })).toBe(`${key}_chain`);
        }
    });

    it('a text from the future is refused', () => {
        const ahead = new Date(now.getTime() + 1000).toISOString();
        const info = tdx({ collateral: { changeTcbInfo: (text) => ({ ...text, issueDate: ahead }) } });
        const identity = tdx({ collateral: { changeQeIdentity: (text) => ({ ...text, issueDate: ahead }) } });
        expect(judge(info).failedCheck).toBe('tcb_info_dates');
        expect(judge(identity).failedCheck).toBe('qe_identity_dates');
    });

    it('TCB info of an older version is refused', () => {
        const evidence = tdx({ collateral: { changeTcbInfo: (text) => ({ ...text, version: 2 }) } });
        expect(judge(evidence).failedCheck).toBe('tcb_info_id');
    });

    it('a signed text of a wrong shape is refused, not misread', () => {
        const shapes = [
            null,
            1,
            [],
            {},
            { ...JSON.parse(collateral.tcb_info), tcbLevels: {} },
            'not JSON',
            `${'['.repeat(60_000)}`,
        ];
        for (const shape of shapes) {
            const evidence = tdx({ collateral: { changeTcbInfo: () => (shape ?? 'null') as unknown } });
            expect(judge(evidence).failedCheck).toBe('tcb_info_format');
        }
    });
});

describe('collateral as a whole', () => {
    it.each([[null], [undefined], [1], ['text'], [[]], [{}], [{ ...collateral, pck_crl: 5 }]])(
        '%p is refused',
        (bad) => {
            expect(judge({ quote, collateral: bad as never }).failedCheck).toBe('collateral_format');
        },
    );

    it('of immoderate size is refused before it is read', () => {
        const change = { tcb_info: ' '.repeat(256 * 1024 + 1) };
        expect(refusal(change)).toBe('input_too_large');
    });

    it('of another machine of the same family will do', () => {
        const other = mintCollateral(pki, createPlatform(pki, { name: 'other' }));
        expect(judge({ quote, collateral: other }).verdict).toBe('accepted');
    });

    it("of another network does not make that network's evidence acceptable", () => {
        const evidence = mintTdxQuote({ pki: elsewhere, reportData });
        expect(judge(evidence).failedCheck).toBe('pck_chain_root');
    });
});
