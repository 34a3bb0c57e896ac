import { type Contract, internal, type OpenedContract, type Sender, SendMode } from '@ton/core';
import { WalletContractV5R1 } from '@ton/ton';
import { walletKeyFromSeed } from '../chain';
import { readSeedFile } from '../config';
import type { OperatorContext } from './context';

const lifeSec = 60;

interface KeyFileSenderOptions {
    file: string;
    /** Part of the wallet's address: -239 mainnet (also on devnets), -3 testnet. */
    networkGlobalId: number;
    open: <T extends Contract>(contract: T) => OpenedContract<T>;
    /** The chain's time: what the wallet compares the end of a message's life with. */
    nowSec: () => Promise<number>;
}

/** The V5 wallet of a key file, as `cocoon key-file show` names it; blueprint knows wallets by their words alone. */
export function keyFileSender({
    file,
    networkGlobalId,
    open,
    nowSec,
}: KeyFileSenderOptions): OperatorContext['sender'] {
    const key = walletKeyFromSeed(readSeedFile(file));
    const wallet = WalletContractV5R1.create({ publicKey: key.publicKey, walletId: { networkGlobalId } });
    const opened = open(wallet);
    const send: Sender['send'] = async ({ to, value, bounce, init, body, sendMode }) => {
        const transfer = await wallet.createTransfer({
            seqno: await opened.getSeqno(),
            timeout: (await nowSec()) + lifeSec,
            sendMode: sendMode ?? SendMode.PAY_GAS_SEPARATELY + SendMode.IGNORE_ERRORS,
            messages: [internal({ to, value, bounce, init, body })],
            signer: (cell) => key.signCell(cell),
        });
        await opened.send(transfer);
    };
    return { address: wallet.address, send };
}
