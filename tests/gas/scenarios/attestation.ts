import { createDevelopmentPki, mintTdxQuote } from '../../../keepers/attestation';
import {
    authorization,
    blocksWith,
    bundle,
    createVerifier,
    mintedEvaluation,
} from '../../contracts/attestation/support/environment';
import { mintedAtSec } from '../../contracts/attestation/support/minted-quote';
import { Operation } from './scenario';

const pki = createDevelopmentPki({ seed: Buffer.alloc(32, 9), now: new Date(mintedAtSec * 1000) });

/** The verifier alone; what follows a verified quote is in registerNode. */
export const verifyQuoteV4 = () => verifyQuote(4);
export const verifyQuoteV5 = () => verifyQuote(5);

async function verifyQuote(version: 4 | 5): Promise<Operation> {
    const rootKey = pki.rootPublicKey.subarray(1);
    const { quote, collateral } = mintTdxQuote({ pki, version, reportData: Buffer.alloc(64, 1) });
    const { blockchain, sender, verifier } = await createVerifier({
        rootKey,
        nowSec: mintedAtSec,
        collateral: [collateral],
    });
    blockchain.prevBlocks = blocksWith(Buffer.alloc(32, 1));
    const responseTo = sender.address;
    const result = await verifier.sendVerify(sender.getSender(), {
        quote,
        evaluation: mintedEvaluation,
        bundle,
        authorization,
        responseTo,
    });
    return { blockchain, result };
}
