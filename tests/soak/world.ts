import { Address, Cell, Message } from '@ton/core';
import { internal } from '@ton/sandbox';
import { actorAddresses } from './actors';
import { auditContract } from './audit';
import { ChainImage, Ran, SoakChain } from './chain';
import { SoakFailure } from './failure';
import { Mail, Mailbox } from './mailbox';
import { Announced, Arrival, Expected, refuse, Verdict } from './model/arrival';
import { Letter, LineFacts } from './model/letter';
import { judge, NetworkModel, owedNano } from './model/network-model';
import { nobody } from './model/provider-model';
import { PriceLevels } from './prices';
import { Scene } from './scene';
import { tariffAt } from './tariff';
import { exitOf, internalMessages, isBounce, nameOf, reasonOf, storageFees, valueOf } from './transaction-facts';

export interface Tally {
    /** operations done, deliveries among them */
    operations: number;
    /** messages that contracts refused */
    rejections: number;
    /** comparisons of chain and model */
    checks: number;
}

export interface WorldImage {
    chain: ChainImage;
    model: NetworkModel;
    mintedNano: bigint;
    deliveredNano: bigint;
    burnedNano: bigint;
}

export interface Outgoing {
    from: Address;
    to: Address;
    valueNano: bigint;
    body: Cell;
    letter: Letter;
    bounce?: boolean;
    init?: { code: Cell; data: Cell };
}

/** Contracts on a chain, the messages between them, and the model that says what each message must do. */
export class World {
    readonly mail = new Mailbox();
    readonly tally: Tally = { operations: 0, rejections: 0, checks: 0 };
    /** the most that session key and node signed, by escrow, epoch and node */
    readonly signed = new Map<string, { capNano: bigint; receiptNano: bigint }>();
    readonly sentSettlements: Omit<Outgoing, 'from'>[] = [];
    private readonly epochs = new Map<string, number>();
    private mintedNano = 0n;
    private deliveredNano = 0n;
    private burnedNano = 0n;
    private priceChanges = 0;
    /** the chain that this world began as, once its registry was governed */
    private governed: ChainImage | null = null;

    private constructor(
        readonly scene: Scene,
        readonly chain: SoakChain,
        readonly model: NetworkModel,
    ) {}

    static async create(scene: Scene, model: NetworkModel): Promise<World> {
        return new World(scene, await SoakChain.create(), model);
    }

    static async restore(scene: Scene, image: WorldImage): Promise<World> {
        const world = new World(scene, await SoakChain.create(image.chain), structuredClone(image.model));
        world.governed = image.chain;
        world.mintedNano = image.mintedNano;
        world.deliveredNano = image.deliveredNano;
        world.burnedNano = image.burnedNano;
        return world;
    }

    image(): WorldImage {
        const { mintedNano, deliveredNano, burnedNano } = this;
        return { chain: this.chain.image(), model: structuredClone(this.model), mintedNano, deliveredNano, burnedNano };
    }

    async setPrices(levels: PriceLevels): Promise<void> {
        await this.chain.setPrices(levels);
        this.priceChanges += 1;
    }

    /** Puts an actor's message on its way. */
    send(outgoing: Outgoing): void {
        const { from, to, valueNano: value, body, init } = outgoing;
        const bounce = outgoing.bounce ?? true;
        const message = internal({
            from,
            to,
            value,
            body,
            bounce,
            stateInit: this.chain.isActive(to) ? undefined : init,
        });
        this.mintedNano += value;
        this.post(message, outgoing.letter, this.priceChanges);
    }

    /** Remembers what may at most be paid for lines that their keys really signed. */
    noteSigned(lines: readonly LineFacts[]): void {
        for (const line of lines) {
            if (line.capSigner === line.sessionKey) {
                const bound = this.signedFor(line.capScope.escrow, line.capScope.epoch, line.nodeKey);
                if (line.capNano > bound.capNano) bound.capNano = line.capNano;
            }
            if (line.receiptSigner === line.nodeKey) {
                const bound = this.signedFor(line.receiptScope.escrow, line.receiptScope.epoch, line.nodeKey);
                if (line.cumulativeNano > bound.receiptNano) bound.receiptNano = line.cumulativeNano;
            }
        }
    }

    signedFor(escrow: string, epoch: number, nodeKey: string) {
        const name = `${escrow} ${epoch} ${nodeKey}`;
        const found = this.signed.get(name) ?? { capNano: 0n, receiptNano: 0n };
        this.signed.set(name, found);
        return found;
    }

    /** Delivers the oldest message of one lane and checks everything it may have changed. False when nothing was on its way. */
    async deliver(pick: number, refusing = false): Promise<boolean> {
        const mail = this.mail.take(pick);
        if (!mail) return false;
        const to = mail.message.info.dest as Address;
        const wasActive = this.chain.isActive(to);
        const isRefusing = refusing && wasActive && mayRefuse(mail.letter);
        const announced = await this.announced(to);
        const owedBefore = owedNano(this.model, mail.to);
        const ran = await this.chain.run(mail.message, { refusing: isRefusing });
        const arrival = this.arrivalOf(mail, ran, announced);
        const hasCode = wasActive || (mail.message.init ?? null) !== null;
        const verdict =
            hasCode && !isRefusing ? judge(this.model, mail.letter, arrival) : refuse('no code that takes it');
        this.follow(mail, ran, verdict);
        this.checkConservation(mail);
        if (owedBefore !== null) this.checkSlack(mail, ran, owedBefore, announced);
        await this.audit(mail.to, creditorsOf(mail));
        return true;
    }

    /** For the governance before the soak, which the model does not follow: the next message must be taken, and is not judged. */
    async deliverUnjudged(): Promise<void> {
        const mail = this.mail.take(0)!;
        const ran = await this.chain.run(mail.message);
        const sent = internalMessages(ran.transaction);
        this.follow(mail, ran, {
            accept: true,
            why: '',
            effect: () => sent.map((message) => ({ to: mail.from, name: nameOf(message) })),
        });
        this.checkConservation(mail);
    }

    check(holds: boolean, rule: string, detail: () => string): void {
        this.tally.checks += 1;
        if (!holds) throw new SoakFailure(rule, detail());
    }

    /** Compares what the getters of a contract say with the model. */
    async audit(address: string, creditors: readonly string[] = []): Promise<void> {
        if (this.chain.isActive(Address.parse(address))) await auditContract(this, address, creditors);
    }

    /** An epoch that went back would make old caps good again. */
    checkEpoch(escrow: string, epoch: number): void {
        this.check((this.epochs.get(escrow) ?? 0) <= epoch, 'epochs never go back', () => `${escrow} at ${epoch}`);
        this.epochs.set(escrow, epoch);
    }

    /** What getters say to whoever wants to send `to` something now. */
    async announced(to: Address): Promise<Announced> {
        const tariff = await tariffAt(this.chain.prices, this.scene, this.governed);
        const name = to.toRawString();
        if (this.model.escrows.has(name)) return tariff.escrow;
        if (this.model.hubs.has(name)) return tariff.hub;
        const holder =
            name === this.model.registry.address
                ? this.scene.registry
                : this.scene.providers.find(({ address }) => address.equals(to));
        if (!holder) return tariff.registry;
        // Getters leave out keys that the next change will prune; a message that prunes nothing pays for them still.
        const state = await holder.getState(this.chain.provider(to, { init: holder.init, nowSec: longAgoSec }));
        return { ...tariff.provider, reserveNano: state.storageReserveNano };
    }

    private arrivalOf(mail: Mail, ran: Ran, announced: Announced): Arrival {
        const { description } = ran.transaction;
        if (description.type !== 'generic') throw new Error('not an ordinary transaction');
        return {
            self: mail.to,
            from: mail.from,
            valueNano: mail.valueNano - (description.creditPhase?.dueFeesColelcted ?? 0n),
            nowSec: this.chain.now,
            balanceBeforeNano: ran.balanceBeforeNano - storageFees(ran.transaction),
            announced,
            isRepriced: mail.pricesAt !== this.priceChanges,
        };
    }

    /** The transaction must be as the verdict says; what it sent is posted with the letters that the model wrote for it. */
    private follow(mail: Mail, ran: Ran, verdict: Verdict): void {
        const { description } = ran.transaction;
        const isAccepted = description.type === 'generic' && !description.aborted;
        const isRepriced = mail.pricesAt !== this.priceChanges;
        if (!isAccepted) this.tally.rejections += 1;
        const tell = () => `${told(mail)}: ${verdict.why} ${exitOf(ran.transaction)}`;
        if (isAccepted) this.check(verdict.accept !== false, 'what the rules refuse is refused', tell);
        else this.check(verdict.accept !== true || isRepriced, 'what the rules allow is taken', tell);
        const sent = internalMessages(ran.transaction);
        for (const message of sent) this.burnedNano += message.info.type === 'internal' ? message.info.forwardFee : 0n;
        this.burnedNano += ran.transaction.totalFees.coins;
        if (!isAccepted) {
            for (const message of sent) {
                this.check(isBounce(message), 'a refused message sends nothing', tell);
                this.post(message, { op: 'bounced', of: mail.letter }, mail.pricesAt);
            }
            return;
        }
        const isPolite = sent.some((message) => politeRefusals.includes(nameOf(message)));
        const expected = isPolite && verdict.orElse ? verdict.orElse() : verdict.effect();
        this.match(mail, sent, expected, isRepriced);
    }

    private match(mail: Mail, sent: readonly Message[], expected: readonly Expected[], isRepriced: boolean): void {
        const open = [...expected];
        for (const message of sent) {
            const to = (message.info.dest as Address).toRawString();
            const name = nameOf(message);
            const at = open.findIndex((one) => one.to === to && one.name === name);
            this.check(at >= 0, 'contracts send what they promise', () => `${told(mail)} sent ${name} to ${who(to)}`);
            const [one] = open.splice(at, 1);
            const value = valueOf(message);
            this.check(
                one!.atLeastNano === undefined || value >= one!.atLeastNano || isRepriced,
                'nobody gets less than its due',
                () => `${name} carries ${value}, due ${one!.atLeastNano}`,
            );
            this.check(
                one!.exactNano === undefined || value === one!.exactNano,
                'nobody gets more than its due',
                () => `${name} carries ${value}, due ${one!.exactNano}`,
            );
            this.check(
                one!.reason === undefined || one!.reason === reasonOf(message),
                'refusals name their reason',
                () => `${told(mail)}: ${reasonOf(message)} instead of ${one!.reason}`,
            );
            this.post(message, one!.letter ?? { op: 'foreign' }, mail.pricesAt);
        }
        const missing = open.filter((one) => !one.isOptional && !isRepriced);
        this.check(
            missing.length === 0,
            'contracts send what they promise',
            () => `${told(mail)} did not send ${missing.map(({ name }) => name).join()}`,
        );
    }

    private post(message: Message, letter: Letter, pricesAt: number): void {
        const [from, to] = [(message.info.src as Address).toRawString(), (message.info.dest as Address).toRawString()];
        const valueNano = valueOf(message);
        if (actorAddresses.has(to) || to === nobody) this.deliveredNano += valueNano;
        else this.mail.add({ message, letter, from, to, valueNano, pricesAt });
    }

    private checkConservation(mail: Mail): void {
        const held = this.chain.totalNano() + this.mail.valueNano;
        const accounted = held + this.deliveredNano + this.burnedNano;
        this.check(
            accounted === this.mintedNano,
            'TON in = TON out + fees',
            () => `${told(mail)}: ${accounted - this.mintedNano} too much`,
        );
    }

    /**
     * What an account holds beyond its debts pays for its storage, and for nothing else: no transaction may take from it more
     * than the storage fees, except down to the reserve, or when prices rose after its chain of messages had been paid for.
     */
    private checkSlack(mail: Mail, ran: Ran, owedBefore: bigint, announced: Announced): void {
        const before = ran.balanceBeforeNano - owedBefore - storageFees(ran.transaction);
        const after = ran.balanceAfterNano - owedNano(this.model, mail.to)!;
        const isEscrow = this.model.escrows.has(mail.to);
        const floor = isEscrow && announced.reserveNano < before ? announced.reserveNano : before;
        const isRepriced = mail.pricesAt !== this.priceChanges;
        this.check(
            after >= floor || isRepriced,
            'balance stays above liabilities and reserve',
            () => `${told(mail)}: ${after} left of ${floor}`,
        );
    }
}

/** Whose credit at a hub a message changes. */
function creditorsOf({ letter, from }: Mail): string[] {
    if (letter.op === 'charged') return letter.owners.filter((owner) => owner !== '');
    if (letter.op === 'bounced') return letter.of.op === 'charge' ? [letter.of.settler] : [];
    return letter.op === 'claim' ? [from] : [];
}

const politeRefusals = ['RegistrationRefused', 'KeyRefused', 'ChargeRefused'];

const longAgoSec = 1;

/** A charge answered by silence would wait for ever: acknowledgements are not bounceable, and hubs send them to escrows only. */
function mayRefuse(letter: Letter): boolean {
    return letter.op !== 'acknowledgeCharge' && letter.op !== 'bounced';
}

function who(address: string): string {
    return actorAddresses.get(address) ?? address.slice(0, 12);
}

function told(mail: Mail): string {
    return `${mail.letter.op} from ${who(mail.from)} to ${who(mail.to)} with ${mail.valueNano}`;
}
