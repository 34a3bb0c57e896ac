import { ManualClock } from '../../../keepers/base';
import { Deliveries } from '../../../keepers/node/deliveries';

const link = { sendFrames: () => undefined, refuse: () => undefined };
const id = (label: number) => Buffer.alloc(16, label);

test('an answer whose request id comes again takes up the room of one', () => {
    const deliveries = new Deliveries({ clock: new ManualClock(0), maxTotalBytes: 100 });
    const endOne = (label: number) => {
        const place = { requestId: id(label), requestHash: Buffer.alloc(32), hub: Buffer.alloc(32) };
        deliveries.begin(place, link).send(Buffer.alloc(30));
        deliveries.end(id(label));
    };
    endOne(1);
    for (let times = 0; times < 5; times++) endOne(2);
    endOne(3);
    expect([1, 2, 3].map((label) => deliveries.find(id(label)) !== undefined)).toEqual([true, true, true]);
    endOne(4);
    expect(deliveries.find(id(1))).toBeUndefined();
    expect(deliveries.find(id(2))).toBeDefined();
});
