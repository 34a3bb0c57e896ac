import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Address, Contract, Sender, SenderArguments } from '@ton/core';
import { type Clock } from '../../../keepers/base';
import { blocksWith } from '../../contracts/attestation/support/environment';
import { type ActConsole, type ActPlan, DeploymentFile, type OperatorContext, runAct } from '../../../keepers/operator';
import { createBlockchain } from '../../support/fee-config';

export const startTime = 1_800_000_000;

/** Remembers what it said; answers every question with `answer`. */
export class TestConsole implements ActConsole {
    readonly lines: string[] = [];
    readonly questions: string[] = [];

    constructor(private readonly answer = true) {}

    write(line: string): void {
        this.lines.push(line);
    }

    confirm(question: string): Promise<boolean> {
        this.questions.push(question);
        return Promise.resolve(this.answer);
    }
}

/** Counts what goes out, and breaks before or after sending when told to. */
export class TestSender implements Sender {
    readonly sent: SenderArguments[] = [];
    /** Messages go nowhere. */
    lose = false;
    /** null: never. 'before': the message is lost with the process; 'after': it is out, but the process never knew. */
    crash: { afterMessages: number; when: 'before' | 'after' } | null = null;

    constructor(
        readonly address: Address,
        private readonly deliver: (message: SenderArguments) => Promise<void>,
    ) {}

    forget(): void {
        this.sent.length = 0;
        this.lose = false;
        this.crash = null;
    }

    async send(message: SenderArguments): Promise<void> {
        const isLast = this.crash !== null && this.sent.length >= this.crash.afterMessages;
        if (isLast && this.crash?.when === 'before') throw new Error('killed');
        if (this.lose) return;
        this.sent.push(message);
        await this.deliver(message);
        if (isLast) throw new Error('killed');
    }
}

/** The real TVM with a clock moved by hand, as operators' acts see a chain. */
export async function createOperatorChain() {
    const blockchain = await createBlockchain();
    blockchain.now = startTime;
    const folder = mkdtempSync(path.join(tmpdir(), 'cocoon-operator-'));
    const deploymentFile = path.join(folder, 'test.json');
    const senders: TestSender[] = [];

    async function actor(name: string): Promise<OperatorContext & { sender: TestSender }> {
        const wallet = await blockchain.treasury(name);
        const sender = new TestSender(wallet.address, async (message) => void (await wallet.send(message)));
        senders.push(sender);
        return {
            open: <T extends Contract>(contract: T) => blockchain.openContract(contract) as never,
            sender,
            nowSec: () => Promise.resolve(blockchain.now!),
            deployment: new DeploymentFile(deploymentFile),
        };
    }

    /** @returns what takes the chain, the deployment file and the actors back to how they are now */
    function remember(): () => Promise<void> {
        const snapshot = blockchain.snapshot();
        const deployment = existsSync(deploymentFile) ? readFileSync(deploymentFile) : null;
        return async () => {
            await blockchain.loadFrom(snapshot);
            if (deployment === null) rmSync(deploymentFile, { force: true });
            else writeFileSync(deploymentFile, deployment);
            for (const sender of senders) sender.forget();
        };
    }

    /** Sleeping moves the chain's time. */
    const clock: Clock = {
        nowMs: () => blockchain.now! * 1000,
        monotonicMs: () => blockchain.now! * 1000,
        sleep: (delayMs) => {
            blockchain.now = blockchain.now! + Math.max(1, Math.ceil(delayMs / 1000));
            return Promise.resolve();
        },
    };

    /** Runs an act's plan as `actor`, asking nothing. */
    async function run<Result>(actor: OperatorContext, plan: Promise<ActPlan<Result>>, dryRun = false) {
        const console = new TestConsole();
        const options = { console, assumeYes: true, clock, dryRun, sender: actor.sender, timeoutMs: 5_000 };
        return { result: await runAct(await plan, options), lines: console.lines };
    }

    return {
        blockchain,
        clock,
        folder,
        run,
        actor,
        remember,
        /** Makes a block one of those that a quote may name. */
        knowBlock(rootHash: Buffer) {
            blockchain.prevBlocks = blocksWith(rootHash);
        },
        advance(seconds: number) {
            blockchain.now = blockchain.now! + seconds;
        },
        async balance(address: Address): Promise<bigint> {
            return (await blockchain.getContract(address)).balance;
        },
    };
}

type OperatorChain = Awaited<ReturnType<typeof createOperatorChain>>;

/** Makes a world once: deploying a network is most of what a test of an act costs. Each call takes it back to its beginning. */
export function madeOnce<World extends { chain: OperatorChain }>(make: () => Promise<World>): () => Promise<World> {
    let made: Promise<{ world: World; restore: () => Promise<void> }> | undefined;
    return async () => {
        made ??= make().then((world) => ({ world, restore: world.chain.remember() }));
        const { world, restore } = await made;
        await restore();
        return world;
    };
}
