// SPDX-License-Identifier: MIT
//
// What is heard of a call.  Each track has a player of its own: the next one is
// ready to be heard before the one before it is let go, and no player is loaded
// anew in the midst of a word.  A browser that plays nothing before a gesture of
// the user plays it at the next one.

/** What it needs of its call. */
export interface PlaybackOwner {
	/** Id of the loudspeaker; "": the system's. */
	readonly speaker: string;
	/** The browser plays nothing. */
	blocked(cause: unknown): void;
}

const GESTURES = ["pointerdown", "keydown"] as const;

type Player = HTMLAudioElement & { setSinkId?: (id: string) => Promise<void> };

export class Playback {
	readonly remote = new MediaStream();
	private players: Player[] = []; // the newest last
	private over = false;

	constructor(private owner: PlaybackOwner) {}

	/** @param beside  What was played goes on, until settle(). */
	play(track: MediaStreamTrack, beside: boolean) {
		const player: Player = new Audio();

		player.autoplay = true;
		player.srcObject = new MediaStream([track]);
		this.players.push(player);
		if (!beside)
			this.settle();
		void this.useSpeakerOf(player);
		this.start(player, (e) => {
			this.owner.blocked(e);
			this.awaitGesture(true);
		});
	}

	/** Nothing but the newest track, from now on. */
	settle() {
		const now = this.players.at(-1)?.srcObject as MediaStream | undefined;

		this.players.splice(0, this.players.length - 1).forEach(stop);
		for (const track of this.remote.getTracks())
			if (!now?.getTracks().includes(track))
				this.remote.removeTrack(track);
		now?.getTracks().forEach((track) => this.remote.addTrack(track));
	}

	async useSpeaker() {
		await Promise.all(this.players.map((p) => this.useSpeakerOf(p)));
	}

	close() {
		this.over = true;
		this.awaitGesture(false);
		this.players.splice(0).forEach(stop);
	}

	private start(player: Player, refused: (e: Error) => void) {
		void player.play().then(() => this.awaitGesture(false),
			(e: Error) => !this.over && this.players.includes(player) &&
				e.name === "NotAllowedError" && refused(e));
	}

	private gesture = () => this.players.forEach((p) =>
		this.start(p, () => {}));

	private awaitGesture(on: boolean) {
		if (typeof document === "undefined")
			return; // no page: nobody clicks
		for (const type of GESTURES)
			if (on)
				document.addEventListener(type, this.gesture);
			else
				document.removeEventListener(type, this.gesture);
	}

	private async useSpeakerOf(player: Player) {
		await player.setSinkId?.(this.owner.speaker).catch(() =>
			player.setSinkId?.("").catch(() => {}));
	}
}

function stop(player: Player) {
	player.pause();
	player.srcObject = null;
}
