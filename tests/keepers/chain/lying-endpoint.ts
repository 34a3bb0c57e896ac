import { Address } from '@ton/core';
import { ChainClient } from '../../../keepers/chain';
import { type HttpExchange, httpExchange } from '../../../keepers/chain/endpoints/http-exchange';
import type { DevnetFixture } from './devnet-fixture';

export interface V2Call {
    host: string;
    method: string;
    params: { address?: string; boc?: string };
    /** What the devnet says to it. */
    honestly: () => Promise<unknown>;
}

/** A lie in place of the devnet's answer; undefined leaves it. */
export type Lie = (call: V2Call) => Promise<unknown>;

/** Operators by these names over one devnet, the first asked first; what they answer is as `lie` has it. */
export function clientOver(fixture: DevnetFixture, hosts: readonly string[], lie: Lie): ChainClient {
    const exchange: HttpExchange = async (call) => {
        const url = fixture.devnet.endpoint;
        const { method, params } = JSON.parse(call.body!) as Pick<V2Call, 'method' | 'params'>;
        const honestly = async () =>
            (JSON.parse((await httpExchange({ ...call, url })).text) as { result: unknown }).result;
        const told = await lie({ host: new URL(call.url).hostname, method, params, honestly });
        if (told === undefined) return httpExchange({ ...call, url });
        return { status: 200, retryAfter: null, text: JSON.stringify({ ok: true, result: told }) };
    };
    return new ChainClient({ endpoints: hosts.map((host) => `http://${host}/`), firstDelayMs: 1, exchange });
}

export function isAbout({ params }: V2Call, address: Address): boolean {
    return params.address !== undefined && Address.parse(params.address).equals(address);
}
