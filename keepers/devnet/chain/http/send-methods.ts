import { external } from '@ton/core';
import { z } from 'zod';
import { normalizedHash } from '../core/external-message';
import { type ApiMethod, apiMethod } from './api-method';
import { addressParam, booleanParam, bytesParam, cellParam, optionalCellParam } from './read-param';

const bocSchema = z.object({ boc: bytesParam });

const estimateSchema = z.object({
    address: addressParam,
    body: cellParam,
    init_code: optionalCellParam,
    init_data: optionalCellParam,
    ignore_chksig: booleanParam.default(true),
});

/** Both sends answer when the message and everything that follows from it has been executed and is on disk. */
export const sendMethods: Record<string, ApiMethod> = {
    sendBoc: apiMethod(bocSchema, async (chain, { boc }) => {
        await chain.send(boc);
        return { '@type': 'ok' };
    }),
    sendBocReturnHash: apiMethod(bocSchema, async (chain, { boc }) => {
        const { message } = await chain.send(boc);
        return {
            '@type': 'raw.extMessageInfo',
            hash: message.cell.hash().toString('base64'),
            hash_norm: normalizedHash(message.message).toString('base64'),
        };
    }),
    estimateFee: apiMethod(estimateSchema, async (chain, { address, body, ignore_chksig, ...init }) => {
        const isDeployed = chain.account(address).status === 'active';
        const hasInit = init.init_code !== undefined && init.init_data !== undefined && !isDeployed;
        const stateInit = hasInit ? { code: init.init_code, data: init.init_data } : undefined;
        const estimate = await chain.estimateFee(external({ to: address, body, init: stateInit }), ignore_chksig);
        return {
            '@type': 'query.fees',
            source_fees: {
                '@type': 'fees',
                in_fwd_fee: Number(estimate.inFwdNano),
                storage_fee: Number(estimate.storageNano),
                gas_fee: Number(estimate.gasNano),
                fwd_fee: Number(estimate.fwdNano),
            },
            destination_fees: [],
        };
    }),
};
