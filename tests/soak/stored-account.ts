import { Address, BitReader, BitString } from '@ton/core';
import { RawBoc } from './raw-boc';

/** An account as the executor wrote it, read no further than needed. */
export class StoredAccount {
    readonly balanceNano: bigint;
    readonly isActive: boolean;
    private readonly boc: RawBoc;
    private readonly codeCell: number | null = null;
    private readonly dataCell: number | null = null;

    /** @param shard ShardAccount, BOC in base64 */
    constructor(readonly shard: string) {
        this.boc = RawBoc.parse(Buffer.from(shard, 'base64'));
        const account = this.boc.refs(this.boc.root)[0]!;
        const bytes = this.boc.data(account);
        const bits = new BitReader(new BitString(bytes, 0, bytes.length * 8));
        const refs = [...this.boc.refs(account)];
        if (!bits.loadBit()) {
            this.balanceNano = 0n;
            this.isActive = false;
            return;
        }
        skipStorageInfo(bits);
        bits.skip(64); // last_trans_lt
        this.balanceNano = bits.loadCoins();
        if (bits.loadBit()) refs.shift(); // extra currencies
        this.isActive = bits.loadBit();
        if (!this.isActive) return;
        if (bits.loadBit()) bits.skip(5); // fixed_prefix_length
        if (bits.loadBit()) bits.skip(2); // special
        if (bits.loadBit()) this.codeCell = refs.shift()!;
        if (bits.loadBit()) this.dataCell = refs.shift()!;
    }

    /** BOC in base64, null without code. */
    code(): string | null {
        return this.codeCell === null ? null : this.boc.encode(this.codeCell).toString('base64');
    }

    /** BOC in base64, null without data. */
    data(): string | null {
        return this.dataCell === null ? null : this.boc.encode(this.dataCell).toString('base64');
    }
}

/** addr:MsgAddressInt storage_stat:StorageInfo */
function skipStorageInfo(bits: BitReader): void {
    const address: Address = bits.loadAddress();
    if (address.workChain !== 0) throw new Error('not in workchain 0');
    bits.loadVarUintBig(3); // cells
    bits.loadVarUintBig(3); // bits
    if (bits.loadUint(3) === 1) bits.skip(256); // storage_extra
    bits.skip(32); // last_paid
    if (bits.loadBit()) bits.loadCoins(); // due_payment
}
