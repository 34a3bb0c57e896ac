import type { OfferModel } from '../../../keepers/confidential';
import type { EscrowAccount } from '../../../keepers/dispatch';
import { refuseUnaffordable } from '../../../keepers/gateway/escrow-terms';
import type { RequestShape } from '../../../keepers/gateway/request-shape';

function refusalOf(
    maxTokens: number | undefined,
    options: { completions?: number; balanceNano: bigint },
): string | null {
    const work = {
        model: 'm',
        capability: 'chat.completions',
        paddedBytes: 1024,
        prompts: 1,
        completions: options.completions ?? 1,
        maxTokens,
    };
    const terms = { outputNano: 2_000_000n } as OfferModel;
    try {
        refuseUnaffordable({ work } as unknown as RequestShape, terms, {
            balanceNano: options.balanceNano,
        } as EscrowAccount);
        return null;
    } catch (error) {
        return (error as { code: string }).code;
    }
}

describe('asking by name for more than the escrow holds', () => {
    it('is refused one token above what the balance pays, and taken at it', () => {
        expect(refusalOf(500, { balanceNano: 1_000n })).toBeNull();
        expect(refusalOf(501, { balanceNano: 1_000n })).toBe('escrow_insufficient');
    });

    it('counts every completion', () => {
        expect(refusalOf(250, { completions: 2, balanceNano: 1_000n })).toBeNull();
        expect(refusalOf(251, { completions: 2, balanceNano: 1_000n })).toBe('escrow_insufficient');
    });

    it('says nothing where no number of tokens is named', () => {
        expect(refusalOf(undefined, { balanceNano: 0n })).toBeNull();
    });
});
