import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatTon } from '../../base';
import { claim, closeEscrow, withdraw, withdrawFees } from '../../operator';
import { Escrow } from '../../../wrappers';
import { DevnetError } from '../errors';
import { LocalNetwork } from '../network/local-network';
import { localTerms } from '../network/local-terms';
import { CaptureProxy } from './capture-proxy';
import { isConserved } from './conservation';
import { scanForPlaintext } from './plaintext-scan';
import { type Answered, askStreaming, askWhole, openAiClient } from './questions';
import { type CheckedReceipt, checkReceipt } from './receipt-check';
import type { DemoReport } from './report';
import { settleUntilPaid } from './settlement';
import { evidenceLine, shownEvidence } from './shown-evidence';
import { tamperAtGateway, tamperOnChain } from './tamper';

export interface DemoOptions {
    progress: (line: string) => void;
    /** Leave the network's files in place. */
    keep: boolean;
}

/** The main job, once through: real model, real client, real settlement, and an account of it that adds up. */
export async function runDemo(options: DemoOptions): Promise<DemoReport> {
    const startedAtMs = Date.now();
    const dir = mkdtempSync(path.join(tmpdir(), 'cocoon-demo-'));
    let capture: CaptureProxy | undefined;
    let network: LocalNetwork | undefined;
    try {
        network = await LocalNetwork.launch({
            dir,
            progress: options.progress,
            interpose: async (url) => (capture = await CaptureProxy.start(url)).url,
        });
        return {
            ...(await playOut(network, capture!, options)),
            seconds: Math.round((Date.now() - startedAtMs) / 1000),
        };
    } finally {
        await network?.stop();
        await capture?.close();
        if (options.keep) options.progress(`the network's files are in ${dir}`);
        else rmSync(dir, { recursive: true, force: true });
    }
}

async function playOut(
    network: LocalNetwork,
    capture: CaptureProxy,
    { progress }: DemoOptions,
): Promise<Omit<DemoReport, 'seconds'>> {
    const before = network.totalsAtStart;
    const escrow = network.client.open(Escrow.createFromAddress(network.escrow));
    const { balanceNano: depositNano } = await escrow.getState();
    const answers = await askAll(network, progress);
    const evidence = await shownEvidence(network.gatewayUrl, network.nodeKeys());
    for (const shown of evidence) progress(`  ${evidenceLine(shown)}`);
    const receipts: CheckedReceipt[] = [];
    for (const { receiptId } of answers) receipts.push(await checkReceipt(network.gatewayUrl, receiptId));
    progress(`every one of the ${receipts.length} receipts is signed by its node and is about its request`);

    progress('showing the chain and a second gateway a quote with one byte flipped');
    const node = answers[0]!.node;
    const tamper = { chain: await tamperOnChain(network, node), gateway: await tamperAtGateway(network, node) };

    progress('the client closes its escrow; a settler posts the receipts within the close delay');
    await network.act('client', await closeEscrow(network.actors.context('client'), {}));
    const costNano = sum(receipts.map((receipt) => receipt.costNano));
    const { settled, paidNano } = await settleUntilPaid(network, costNano);
    const providers = await claimAll(network, answers);
    const fees = (await network.act('operator', await withdrawFees(network.actors.context('operator'), {})))!;
    progress(`warping the clock by the close delay of ${localTerms.closeDelaySec} s`);
    await network.devnet.warp(localTerms.closeDelaySec + 1);
    const withdrawal = (await network.act('client', await withdraw(network.actors.context('client'), {})))!;

    const after = await network.devnet.totals();
    const captures = [{ where: 'traffic', bytes: capture.captured() }, ...dispatcherFiles(network)];
    const texts = answers.flatMap(({ prompt, text }) => [prompt, text]);
    const findings = scanForPlaintext(captures, texts);
    const receiptsMatch = paidNano === costNano;
    const sharesMatch = sum(providers.map(({ claimedNano }) => claimedNano)) + fees.withdrawnNano === paidNano;
    const conserved = isConserved(before, after);
    const ok =
        evidence.every(({ trusted, gpus }) => trusted && gpus.length > 0) &&
        receiptsMatch &&
        sharesMatch &&
        conserved &&
        findings.length === 0 &&
        tamper.chain.refused &&
        tamper.gateway.refused;
    return {
        ok,
        answers: answers.map((answer, index) => ({ ...answer, costNano: receipts[index]!.costNano })),
        client: {
            address: network.actors.wallets.client.address.toString(),
            escrow: network.escrow.toString(),
            depositNano,
            chargedNano: paidNano,
            withdrawnNano: withdrawal.withdrawnNano,
        },
        providers,
        dispatcher: { hub: network.hub.toString(), feeNano: fees.withdrawnNano },
        network: {
            registry: network.deployment.registry.toString(),
            gasNano: after.feesNano - before.feesNano,
            settlementGasNano: sum(settled.map((round) => round.costNano)),
            settledReceipts: receipts.length,
        },
        receiptsMatch,
        sharesMatch,
        conserved,
        plaintextSeenByDispatcher: findings.length,
        evidence,
        scannedBytes: captures.reduce((bytes, part) => bytes + part.bytes.length, 0),
        tamper,
    };
}

async function askAll(network: LocalNetwork, progress: (line: string) => void): Promise<Answered[]> {
    const [alice, bob] = [openAiClient(network.gatewayUrl), openAiClient(network.gatewayUrl)];
    await network.gatewayReady();
    const answers: Answered[] = [];
    const tell = (answer: Answered) => {
        answers.push(answer);
        progress(
            `  ${answer.streamed ? 'streamed' : 'answered'} by node ${answer.node.slice(0, 8)}: ${JSON.stringify(answer.text.slice(0, 70))}…`,
        );
    };
    progress('asking through the official OpenAI client, whole and streaming');
    tell(await askWhole({ client: alice, prompt: 'And it came to pass, when the cormorant spake unto the king' }));
    tell(await askStreaming({ client: alice, prompt: 'Tell me of the seventeen cedars that stood by the river' }));
    progress('two clients at once, one node each');
    const [first, second] = network.nodeKeys();
    const both = await Promise.all([
        askStreaming({ client: alice, prompt: 'Who went down into Egypt with forty-two camels?', node: first }),
        askWhole({ client: bob, prompt: 'The proverb of the lapwing and the silver bowl', node: second }),
    ]);
    both.forEach(tell);
    return answers;
}

async function claimAll(network: LocalNetwork, answers: readonly Answered[]): Promise<DemoReport['providers']> {
    const claimed: DemoReport['providers'] = [];
    for (const { name, owner } of network.nodes) {
        const result = await network.act(owner, await claim(network.actors.context(owner), {}));
        const nodeKey = network.process(name).ready['nodeKey'] as string;
        claimed.push({ name: owner, address: result!.owner.toString(), nodeKey, claimedNano: result!.claimedNano });
    }
    if (answers.length === 0) throw new DevnetError('demo_failed', 'nothing was asked');
    return claimed;
}

/** Everything the dispatcher stored or logged. */
function dispatcherFiles(network: LocalNetwork): { where: string; bytes: Buffer }[] {
    const dataDir = network.layout.data('');
    const stored = readdirSync(dataDir).filter((file) => file.startsWith('dispatcher'));
    const files = [...stored.map((file) => path.join(dataDir, file)), network.layout.log('dispatcher')];
    return files.map((file) => ({ where: path.basename(file), bytes: readFileSync(file) }));
}

function sum(amounts: readonly bigint[]): bigint {
    return amounts.reduce((total, amount) => total + amount, 0n);
}

/** The demo's account in words. */
export function describeReport(report: DemoReport): string {
    const { client, dispatcher, network, tamper } = report;
    const verdict = (good: boolean) => (good ? 'yes' : 'NO');
    return [
        '',
        'Who paid what to whom (TON)',
        `  client        deposited ${formatTon(client.depositNano)}, was charged ${formatTon(client.chargedNano)}, withdrew ${formatTon(client.withdrawnNano)}`,
        ...report.providers.map(({ name, claimedNano }) => `  ${name.padEnd(13)} claimed ${formatTon(claimedNano)}`),
        `  dispatcher    withdrew ${formatTon(dispatcher.feeNano)} of fees`,
        `  the chain     collected ${formatTon(network.gasNano)} in all, ${formatTon(network.settlementGasNano)} of it for settling`,
        '',
        `Answers: ${report.answers.length}, for ${report.answers.map(({ costNano }) => formatTon(costNano)).join(' + ')} TON`,
        '',
        'Evidence that the gateway relied on',
        ...report.evidence.map((shown) => `  ${evidenceLine(shown)}`),
        '',
        'Checks',
        `  the charge is the sum of the final receipts:        ${verdict(report.receiptsMatch)}`,
        `  providers' and dispatcher's shares add up to it:    ${verdict(report.sharesMatch)}`,
        `  no nanoTON appeared or vanished on the whole chain: ${verdict(report.conserved)}`,
        `  places where the dispatcher saw plaintext:          ${report.plaintextSeenByDispatcher} (${report.scannedBytes} bytes scanned)`,
        `  a quote with one byte flipped, on chain:            ${tamper.chain.refused ? 'refused' : 'TAKEN'}, ${tamper.chain.reason}`,
        `  the same quote, at a gateway:                       ${tamper.gateway.refused ? 'refused' : 'TAKEN'}, ${tamper.gateway.reason}`,
        '',
        report.ok ? `All of it held, in ${report.seconds} s.` : 'Something did NOT hold: see above.',
    ].join('\n');
}
