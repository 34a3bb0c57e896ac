import {
    type Address,
    beginCell,
    Cell,
    contractAddress,
    external,
    internal,
    type Message,
    storeMessageRelaxed,
} from '@ton/core';
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Code of wallet v3 revision 2, the smallest wallet in wide use. */
const walletCode = Cell.fromBase64(
    'te6cckEBAQEAcQAA3v8AIN0gggFMl7ohggEznLqxn3Gw7UTQ0x/THzHXC//jBOCk8mCDCNcYINMf0x/TH/gjE7vyY+1E0NMf0x/T/9FRMrry' +
        'oVFEuvKiBPkBVBBV+RDyo/gAkyDXSpbTB9QC+wDo0QGkyMsfyx/L/8ntVBC9ba0=',
);
const subwallet = 698_983_191;
/** DER of an Ed25519 private key up to its 32 bytes (RFC 8410). */
const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const payFeesSeparately = 1;
const validForSec = 3_600;

/** The wallet that holds the whole supply at genesis. Its key follows from the seed: anybody may drain a development network. */
export class FaucetWallet {
    readonly address: Address;
    readonly init: { code: Cell; data: Cell };
    private readonly privateKey: KeyObject;

    constructor(seed: string) {
        const secret = createHash('sha256').update(`${seed}|faucet`).digest();
        this.privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Prefix, secret]), format: 'der', type: 'pkcs8' });
        const publicKey = createPublicKey(this.privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
        const data = beginCell().storeUint(0, 32).storeUint(subwallet, 32).storeBuffer(publicKey).endCell();
        this.init = { code: walletCode, data };
        this.address = contractAddress(0, this.init);
    }

    static seqno(data: Cell): number {
        return data.beginParse().loadUint(32);
    }

    /** An external message that moves `amountNano` to an account that may not exist yet. */
    transfer(options: { to: Address; amountNano: bigint; seqno: number; nowSec: number }): Message {
        const payment = internal({ to: options.to, value: options.amountNano, bounce: false });
        const order = beginCell()
            .storeUint(subwallet, 32)
            .storeUint(options.nowSec + validForSec, 32)
            .storeUint(options.seqno, 32)
            .storeUint(payFeesSeparately, 8)
            .storeRef(beginCell().store(storeMessageRelaxed(payment)))
            .endCell();
        const signature = sign(null, order.hash(), this.privateKey);
        return external({
            to: this.address,
            body: beginCell().storeBuffer(signature).storeSlice(order.beginParse()).endCell(),
        });
    }
}
