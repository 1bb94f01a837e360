// SPDX-License-Identifier: MIT
//
// What is heard of a call.  Each track has a player of its own: the next one is
// ready to be heard before the one before it is let go, and no player is loaded
// anew in the midst of a word.

/** What it needs of its call. */
export interface PlaybackOwner {
	/** Id of the loudspeaker; "": the system's. */
	readonly speaker: string;
	/** The browser plays nothing. */
	blocked(cause: unknown): void;
}

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
		void player.play().catch((e) => !this.over &&
			this.players.includes(player) && this.owner.blocked(e));
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
		this.players.splice(0).forEach(stop);
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
