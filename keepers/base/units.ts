import { CocoonError } from './errors';

const nanoPerTon = 1_000_000_000n;

/** "1.25" for 1250000000n: exact, without trailing zeros. */
export function formatTon(amountNano: bigint): string {
    const sign = amountNano < 0n ? '-' : '';
    const absolute = amountNano < 0n ? -amountNano : amountNano;
    const fraction = (absolute % nanoPerTon).toString().padStart(9, '0').replace(/0+$/, '');
    return `${sign}${absolute / nanoPerTon}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Exact inverse of `formatTon`; refuses more than nine decimals instead of rounding. */
export function parseTon(text: string): bigint {
    const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text.trim());
    if (!match) {
        throw new CocoonError('amount_invalid', `"${text}" is not an amount in TON: write for example 1.5`, {
            action: 'fix',
        });
    }
    const nano = BigInt(match[2]!) * nanoPerTon + BigInt((match[3] ?? '').padEnd(9, '0'));
    return match[1] === '-' ? -nano : nano;
}

/** Integer division rounded up; both arguments non-negative. */
export function ceilDiv(dividend: bigint, divisor: bigint): bigint {
    return (dividend + divisor - 1n) / divisor;
}
