import { type Address, type Contract, internal, type OpenedContract, type Sender, SendMode } from '@ton/core';
import { WalletContractV5R1 } from '@ton/ton';
import type { WalletKey } from './wallet-key';

const lifeSec = 60;

export interface V5SenderOptions {
    key: WalletKey;
    /** Part of the wallet's address: -239 mainnet (also on devnets), -3 testnet. */
    networkGlobalId: number;
    open: <T extends Contract>(contract: T) => OpenedContract<T>;
    /** The chain's time: what the wallet compares the end of a message's life with. */
    nowSec: () => Promise<number>;
}

/** For a person's acts, each sent once and looked at by who sends it; keepers send by a `KeeperWallet`. */
export function v5Sender({ key, networkGlobalId, open, nowSec }: V5SenderOptions): Sender & { address: Address } {
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
