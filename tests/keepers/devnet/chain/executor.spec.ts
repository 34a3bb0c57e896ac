import { Blockchain, Executor } from '@ton/sandbox';
import { createExecutor } from '../../../../keepers/devnet/chain/core/executor';

/** A wallet that is deployed, pays another and is asked for its balance there. */
async function run(executor: Executor) {
    const blockchain = await Blockchain.create({ executor });
    blockchain.now = 1_900_000_000;
    blockchain.random = Buffer.alloc(32, 7);
    const [payer, payee] = [await blockchain.treasury('payer'), await blockchain.treasury('payee')];
    const { transactions } = await payer.send({ to: payee.address, value: 1_000_000_000n });
    const unknown = await blockchain
        .runGetMethod(payer.address, 'no such method')
        .catch(({ exitCode }) => exitCode as number);
    return { hashes: transactions.map((transaction) => transaction.hash().toString('hex')), unknown };
}

test('gives what the library itself gives, without asking for the time', async () => {
    const expected = await run(await Executor.create());
    expect(expected.hashes).toHaveLength(2);
    const executor = await createExecutor();
    const now = jest.spyOn(performance, 'now');
    expect(await run(executor)).toEqual(expected);
    expect(now).not.toHaveBeenCalled();
    await run(await Executor.create());
    expect(now).toHaveBeenCalled();
    now.mockRestore();
});
