import { Address, Cell, type TupleItem } from '@ton/core';
import type { Blockchain } from '@ton/sandbox';
import { TonClient } from '@ton/ton';
import { writeStack } from '../../keepers/devnet/chain/http/stack';

interface Call {
    id: string;
    method: string;
    params: { address: string; method: string; stack: [string, string][] };
}

/** An unmodified TonClient whose endpoint answers get methods from a sandbox: it reads answers in ways of its own. */
export function tonClientOf(blockchain: Blockchain): TonClient {
    return new TonClient({
        endpoint: 'http://sandbox.invalid/jsonRPC',
        httpAdapter: async (config) => {
            const { id, method, params } = JSON.parse(config.data as string) as Call;
            if (method !== 'runGetMethod') throw new Error(`no answer to ${method}`);
            const asked = params.stack.map(argument);
            const found = await blockchain.runGetMethod(Address.parse(params.address), params.method, asked);
            const result = {
                gas_used: Number(found.gasUsed),
                exit_code: found.exitCode,
                stack: writeStack(found.stack),
            };
            return { data: { ok: true, id, result }, status: 200, statusText: 'OK', headers: {}, config };
        },
    });
}

function argument([kind, value]: [string, string]): TupleItem {
    return kind === 'num' ? { type: 'int', value: BigInt(value) } : { type: 'slice', cell: Cell.fromBase64(value) };
}
