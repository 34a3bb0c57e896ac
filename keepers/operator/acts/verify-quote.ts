import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { inspectQuote } from '../../attestation';
import { errorMessage } from '../../base';
import { packQuote, usableEvaluation, type VerifiedQuote } from '../../../wrappers';
import type { ActPlan } from '../act';
import { defineAct } from '../define-act';
import { OperatorError } from '../errors';
import { address, uint32 } from '../fields';
import { openVerifier } from './show-collateral';

export const verifyQuote = defineAct({
    name: 'verify-quote',
    purpose:
        'Asks the contract for its verdict on a quote, by the collateral that the chain holds now; registers nothing',
    args: z.strictObject({
        quoteFile: z.string().min(1).describe('file with the raw TDX quote'),
        evaluation: uint32.optional().describe('evaluation data number to judge by; the newest in force unless given'),
        registry: address.optional().describe('registry; that of the deployment file unless given'),
    }),
    async plan(context, { quoteFile, evaluation: given, registry }): Promise<ActPlan<VerifiedQuote>> {
        const verifier = await openVerifier(context, registry);
        const quote = readQuote(quoteFile);
        const { fmspc } = inspectQuote(quote).platform;
        const at = new Date((await context.nowSec()) * 1000);
        const evaluation = given ?? usableEvaluation(await verifier.getCollateral(), Buffer.from(fmspc, 'hex'), at);
        if (evaluation === null) {
            throw new OperatorError(
                'not_ready',
                `the chain holds no collateral in force for the platform family ${fmspc}: run post-collateral`,
            );
        }
        return {
            title: 'Verify a quote',
            summary: [`verifier ${verifier.address}`, `family ${fmspc}, evaluation ${evaluation}`],
            messages: [],
            readBack: () => verifier.getVerifiedQuote(packQuote(quote), evaluation),
            describe: (verified) => [
                `genuine, platform ${verified.status}`,
                `image ${verified.imageId.toString('hex')}`,
                `platform ${verified.platformId.toString('hex')}`,
                `report data ${verified.bundleHash.toString('hex')} ${verified.mcRootHash.toString('hex')}`,
            ],
        };
    },
});

function readQuote(file: string): Buffer {
    try {
        return readFileSync(file);
    } catch (error) {
        throw new OperatorError('argument_invalid', `${file}: ${errorMessage(error)}`, { cause: error });
    }
}
