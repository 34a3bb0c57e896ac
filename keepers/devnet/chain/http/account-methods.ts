import { Cell } from '@ton/core';
import { z } from 'zod';
import type { DevnetChain } from '../devnet-chain';
import { ChainError } from '../errors';
import { type ApiMethod, apiMethod } from './api-method';
import { methodIdOf } from './method-id';
import { addressParam, booleanParam, hashParam, intParam, ltParam, seqnoParam } from './read-param';
import { renderAddressInformation, renderExtendedInformation, renderWalletInformation } from './render-account';
import { renderTransaction } from './render-transaction';
import { readStack, stackParam, writeStack } from './stack';

/** A client that asks for a hundred after a cursor asks for one more, to drop the cursor itself. */
const maxTransactions = 101;

const addressSchema = z.object({ address: addressParam });
const addressAtSchema = addressSchema.extend({ seqno: seqnoParam.optional() });

const transactionsSchema = z
    .object({
        address: addressParam,
        limit: intParam.pipe(z.int().min(1).max(maxTransactions)).default(10),
        lt: ltParam.optional(),
        hash: hashParam.optional(),
        to_lt: ltParam.default(0n),
        archival: booleanParam.optional(),
    })
    .refine(({ lt, hash }) => (lt === undefined) === (hash === undefined), { message: 'lt and hash go together' });

const locateSchema = z.object({ source: addressParam, destination: addressParam, created_lt: ltParam });

const getMethodSchema = z.object({
    address: addressParam,
    method: z.union([z.string().min(1).max(256), z.int().min(0)]),
    stack: stackParam.default([]),
    seqno: seqnoParam.optional(),
});

const configSchema = z.object({ config_id: intParam, seqno: intParam.optional() });

export const accountMethods: Record<string, ApiMethod> = {
    getAddressInformation: apiMethod(addressAtSchema, (chain, { address, seqno }) =>
        renderAddressInformation(chain, address, seqno),
    ),
    getExtendedAddressInformation: apiMethod(addressSchema, (chain, { address }) =>
        renderExtendedInformation(chain, address),
    ),
    getWalletInformation: apiMethod(addressSchema, (chain, { address }) => renderWalletInformation(chain, address)),
    getAddressBalance: apiMethod(addressSchema, (chain, { address }) => chain.account(address).balanceNano.toString()),
    getAddressState: apiMethod(addressSchema, (chain, { address }) => chain.account(address).status),
    getTransactions: apiMethod(transactionsSchema, (chain, { address, to_lt: toLt, ...page }) =>
        chain.state.transactions.page(address, { ...page, toLt }).map(renderTransaction),
    ),
    tryLocateTx: apiMethod(locateSchema, locateResult),
    tryLocateResultTx: apiMethod(locateSchema, locateResult),
    tryLocateSourceTx: apiMethod(locateSchema, (chain, params) => {
        const record = chain.state.transactions.senderOf(params.created_lt);
        if (record?.account !== params.source.toRawString()) throw notLocated();
        return renderTransaction(record);
    }),
    runGetMethod: apiMethod(getMethodSchema, runGetMethod),
    getConfigParam: apiMethod(configSchema, (chain, params) => configInfo(chain.config.param(params.config_id))),
    getConfigAll: apiMethod(z.unknown(), (chain) => configInfo(chain.config.cell)),
};

async function runGetMethod(chain: DevnetChain, params: z.output<typeof getMethodSchema>): Promise<unknown> {
    const { address, method, seqno } = params;
    const { last_transaction_id: last, block_id: block } = renderAddressInformation(chain, address, seqno);
    const call = { address, methodId: methodIdOf(method), stack: readStack(params.stack) };
    const { gasUsed, stack, exitCode } = await (seqno === undefined
        ? chain.runGetMethod(call)
        : chain.runGetMethodAt(seqno, call));
    return {
        '@type': 'smc.runResult',
        gas_used: gasUsed,
        stack: writeStack(stack),
        exit_code: exitCode,
        block_id: block,
        last_transaction_id: last,
    };
}

function locateResult(chain: DevnetChain, params: z.output<typeof locateSchema>): Record<string, unknown> {
    const { transactions } = chain.state;
    const [result, sender] = [transactions.causedBy(params.created_lt), transactions.senderOf(params.created_lt)];
    const isFrom = sender?.account === params.source.toRawString();
    if (result?.account !== params.destination.toRawString() || !isFrom) throw notLocated();
    return renderTransaction(result);
}

function notLocated(): ChainError {
    return new ChainError('transaction_not_found', 'no transaction of this message is known');
}

function configInfo(cell: Cell): Record<string, unknown> {
    return { '@type': 'configInfo', config: { '@type': 'tvm.cell', bytes: cell.toBoc().toString('base64') } };
}
