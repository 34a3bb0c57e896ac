import { type Address, Cell, parseTuple, type TupleItem } from '@ton/core';
import type { Executor } from '@ton/sandbox';
import { ChainError } from '../errors';
import { createExecutor } from './executor';

/** What liteservers of toncenter's kind grant a get method. */
const getMethodGasLimit = 1_000_000n;

/** The moment a message or a get method runs at. */
export interface EmulationContext {
    nowSec: number;
    randomSeed: Buffer;
    /** PrevBlocksEncoder's answer for the newest finished block. */
    prevBlocks: string;
}

export interface RunTransaction extends EmulationContext {
    /** ShardAccount, BOC in base64. */
    shardAccount: string;
    message: Cell;
    lt: bigint;
    ignoreSignatures?: boolean;
}

export type TransactionOutcome =
    | { accepted: true; transaction: string; shardAccount: string }
    /** `exitCode` is set when the contract itself refused, that is, before it accepted. */
    | { accepted: false; error: string; exitCode?: number };

export interface RunGetMethod extends EmulationContext {
    address: Address;
    code: Cell;
    data: Cell;
    balance: bigint;
    methodId: number;
    stack: TupleItem[];
}

export interface GetMethodOutcome {
    exitCode: number;
    gasUsed: number;
    stack: TupleItem[];
}

/** TON's transaction executor (the sandbox's WASM build of the node's own code) under this network's configuration. */
export class Emulator {
    private static readonly known = new Map<string, Promise<Emulator>>();
    private prevBlocks = '';

    private constructor(
        private readonly executor: Executor,
        private readonly config: string,
    ) {
        const invoke = executor.invoke.bind(executor);
        executor.invoke = (method, args) => invoke(method, this.withPrevBlocks(method, args));
    }

    /** It keeps nothing between two runs, so all chains of a process with one configuration share it. */
    static shared(config: string): Promise<Emulator> {
        const known = Emulator.known.get(config) ?? createExecutor().then((executor) => new Emulator(executor, config));
        Emulator.known.set(config, known);
        return known;
    }

    async runTransaction(run: RunTransaction): Promise<TransactionOutcome> {
        this.prevBlocks = run.prevBlocks;
        const { result } = await this.executor.runTransaction({
            config: this.config,
            libs: null,
            verbosity: 'short',
            shardAccount: run.shardAccount,
            message: run.message,
            now: run.nowSec,
            lt: run.lt,
            randomSeed: run.randomSeed,
            ignoreChksig: run.ignoreSignatures ?? false,
            debugEnabled: false,
        });
        if (result.success)
            return { accepted: true, transaction: result.transaction, shardAccount: result.shardAccount };
        return { accepted: false, error: result.error, exitCode: result.vmResults?.vmExitCode };
    }

    async runGetMethod(run: RunGetMethod): Promise<GetMethodOutcome> {
        this.prevBlocks = run.prevBlocks;
        const { output } = await this.executor.runGetMethod({
            config: this.config,
            verbosity: 'short',
            address: run.address,
            code: run.code,
            data: run.data,
            balance: run.balance,
            methodId: run.methodId,
            stack: run.stack,
            unixTime: run.nowSec,
            randomSeed: run.randomSeed,
            gasLimit: getMethodGasLimit,
            debugEnabled: false,
        });
        if (!output.success) throw new ChainError('emulation_failed', `get method could not be run: ${output.error}`);
        return {
            exitCode: output.vm_exit_code,
            gasUsed: Number(output.gas_used),
            stack: parseTuple(Cell.fromBase64(output.stack)),
        };
    }

    /**
     * The executor encodes previous blocks anew for every call, at several times the cost of the emulation itself. Its
     * parameters are JSON: the encoding kept by PrevBlocksEncoder goes in here, the last place before the WASM call.
     * `runTransaction` reaches this before its first await, so `prevBlocks` is always the caller's own.
     */
    private withPrevBlocks(method: string, args: (number | string)[]): (number | string)[] {
        const position = { _emulate_with_emulator: 4, _run_get_method: 0 }[method];
        if (position === undefined) return args;
        const params = String(args[position]);
        const extended = `${params.slice(0, -1)},"prev_blocks_info":${JSON.stringify(this.prevBlocks)}}`;
        return args.map((arg, index) => (index === position ? extended : arg));
    }
}
