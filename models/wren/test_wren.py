"""Tests of what has to hold before training starts, and of the file that comes out."""

import json
import random
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import gguf
import torch

import phrases
from chat import IM_END, SPECIALS, call_text, render
from convert import write
from decode import Session
from evaluate import healthy, in_end_state, parse
from generate import (
    SHIPPED_TASK,
    Player,
    Split,
    Troubles,
    draw_episode,
    draw_target,
    is_held_out,
    plain,
    play,
    put_together,
    reply_text,
    training_episode,
    variant,
)
from model import Network, Shape
from policy import Answer, Bring, Call
from tokenizer import Wren
from tools import TOOLS


def all_pairs():
    pairs = [value for value in vars(phrases).values() if isinstance(value, tuple) and len(value) == 2]
    return pairs + list(phrases.ASK.values())


def small_tokenizer():
    rng = random.Random(5)
    episodes = [training_episode(rng) for _ in range(60)]
    return Wren.train([render(episode.messages, episode.tools) for episode in episodes], 600)


class SplitTest(unittest.TestCase):
    def test_held_out_frames_are_not_trained_on(self):
        for train, held_out in all_pairs():
            self.assertFalse({plain(text) for text in train} & {plain(text) for text in held_out})

    def test_requests_put_together_avoid_held_out_frames(self):
        rng = random.Random(3)
        held_out = {plain(text.format(t="-7")) for text in phrases.BRING[1]}
        self.assertFalse({plain(put_together(rng, "-7")) for _ in range(5000)} & held_out)
        drawn = iter(["Chill it to -7 C and give a report.", "chill it to -7 C"])
        with mock.patch.object(phrases, "bring_requests", lambda *_: next(drawn)):
            self.assertEqual(put_together(rng, "-7"), "chill it to -7 C")

    def test_targets_are_disjoint_and_the_shipped_one_is_trained(self):
        rng = random.Random(4)
        train = {draw_target(rng, Split.TRAIN) for _ in range(4000)}
        held_out = {draw_target(rng, Split.HELD_OUT) for _ in range(4000)}
        self.assertFalse({float(text) for text in train} & {float(text) for text in held_out})
        self.assertFalse(is_held_out("-18"))
        self.assertIn(SHIPPED_TASK, [text.format(t="-18") for text in phrases.BRING[0]])

    def test_variants_keep_numbers(self):
        rng = random.Random(6)
        for _ in range(500):
            self.assertIn("-18", variant(rng, SHIPPED_TASK))


class ExpertTest(unittest.TestCase):
    def test_healthy_rooms_reach_the_end_state(self):
        make = healthy(Split.TRAIN, SHIPPED_TASK)
        for seed in range(150):
            episode = make(random.Random(seed))
            player = Player(episode, random.Random(seed))
            while not player.done:
                reply = episode.expert.act()
                player.step(reply, reply_text(reply))
            self.assertTrue(in_end_state(episode, reply.text), f"seed {seed}")

    def script(self, *results):
        """Feeds results to an expert for -18 C; returns its replies. None is a restart."""
        expert, replies = Bring("-18"), []
        for result in results:
            if result is None:
                expert.notice()
                continue
            replies.append(expert.act())
            expert.result(result)
        return replies + [expert.act()]

    def test_reads_again_after_a_restart(self):
        reading = "air 2.0 C, ice 2 mm, door closed, compressor off, fan 0 percent"
        replies = self.script(reading, "false", None)
        self.assertEqual(replies[-1], Call("read_room"))

    def test_an_unknown_defrost_that_ran_is_dosed_for(self):
        thick = "air 2.0 C, ice 9 mm, door closed, compressor off, fan 0 percent"
        thin = thick.replace("ice 9", "ice 1")
        unknown = "unknown: run_defrost may have run; check before deciding"
        replies = self.script(thick, "true", unknown, "waited 600 seconds", thin, "false")
        self.assertEqual(replies[-1], Call("dose_antifreeze", {"pulses": 1}))
        replies = self.script(thick, "true", unknown, "waited 600 seconds", thick, "true")
        self.assertEqual(replies[-1], Call("run_defrost", {"seconds": 600}))

    def test_an_error_is_tried_once_more(self):
        replies = self.script("error: timed out", "error: timed out", "alert sent")
        self.assertEqual(replies[0], replies[1])
        self.assertEqual(replies[2:], [Call("alert", {"text": "read_room fails"}), Answer("read_room fails: timed out.")])

    def test_a_defrost_that_still_runs_is_waited_for(self):
        running = "air 2.0 C, ice 9 mm, door closed, compressor off, fan 0 percent, defrost 417 s left"
        self.assertEqual(self.script(running)[-1], Call("wait", {"seconds": 417}))

    def test_expert_calls_parse_back(self):
        rng = random.Random(8)
        for _ in range(100):
            for message in play(draw_episode(rng), rng).messages:
                if message["role"] == "assistant":
                    self.assertIsNotNone(parse(message["content"]))


class TokenizerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = small_tokenizer()

    def test_any_bytes_come_back(self):
        for text in ["été ☃ 零下18度", "".join(map(chr, range(1, 300))), "a  b\t\n\n c"]:
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_digits_stand_alone(self):
        self.assertEqual(len(self.tokenizer.encode("-18.25")), 6)

    def test_markup_in_content_is_text(self):
        ids = self.tokenizer.encode("<tool_call><|im_end|>")
        self.assertTrue(all(token >= len(SPECIALS) for token in ids))
        conversation = [{"role": role, "content": "a<|im_end|>"} for role in ("system", "user", "tool")]
        ids, _ = self.tokenizer.conversation(conversation, TOOLS)
        self.assertEqual(ids.count(IM_END), len(conversation))

    def test_segments_are_the_rendered_text(self):
        rng = random.Random(9)
        for _ in range(30):
            episode = training_episode(rng)
            ids, wanted = self.tokenizer.conversation(episode.messages, episode.tools)
            self.assertEqual(self.tokenizer.decode(ids), render(episode.messages, episode.tools))
            replies = sum(message["role"] == "assistant" for message in episode.messages)
            ends = sum(token == IM_END and flag for token, flag in zip(ids, wanted))
            self.assertEqual(ends, replies)
            prompt = self.tokenizer.prompt(episode.messages, episode.tools)
            text = render(episode.messages, episode.tools, add_generation_prompt=True)
            self.assertEqual(self.tokenizer.decode(prompt), text)

    def test_tools_are_listed_as_signatures(self):
        text = render([{"role": "system", "content": "S"}, {"role": "user", "content": "U"}], TOOLS)
        self.assertIn("\ncompare(value:number,operator:<|<=|>|>=|==,limit:number) compare two numbers\n", text)
        self.assertIn("\nread_room() read", text)

    def test_calls_are_spelled_as_the_grammar_does(self):
        expected = '<tool_call>\n{"name": "set_fan", "arguments": {"percent": 100}}\n</tool_call>'
        self.assertEqual(call_text("set_fan", {"percent": 100}), expected)


class NetworkTest(unittest.TestCase):
    def test_cached_decoding_equals_the_whole(self):
        torch.manual_seed(1)
        shape = Shape(vocab=300)
        network = Network(shape)
        for parameter in network.parameters():  # outputs start at zero, which would hide mistakes
            torch.nn.init.normal_(parameter, 0, 0.05)
        ids = torch.randint(0, 300, (1, 120))
        whole = network(ids)[0]
        session, row = Session(shape, network.state_dict()), ids[0].tolist()
        parts = torch.cat([session.feed(row[:50]), session.feed(row[50:51]), session.feed(row[51:])])
        self.assertLess((whole - parts).abs().max().item(), 1e-3)

    def test_a_wrong_guess_changes_nothing(self):
        torch.manual_seed(2)
        shape = Shape(vocab=300)
        network = Network(shape)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, 0, 0.1)
        plainly = Session(shape, network.state_dict()).reply([5, 6, 7])
        guess = plainly[:4] + [9, 9, 9]
        self.assertEqual(Session(shape, network.state_dict()).reply([5, 6, 7], guess), plainly)

    def test_the_file_says_what_it_is(self):
        tokenizer = small_tokenizer()
        shape = Shape(vocab=tokenizer.size)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "wren.gguf"
            write(shape, Network(shape).state_dict(), tokenizer, path)
            reader = gguf.GGUFReader(path)
            names = {tensor.name for tensor in reader.tensors}
            field = reader.fields["general.name"]
        self.assertEqual(bytes(field.parts[field.data[0]]).decode(), "wren")
        self.assertTrue({"token_embd.weight", "blk.0.shortconv.in_proj.weight", "blk.1.attn_q.weight"} <= names)


class TroublesTest(unittest.TestCase):
    def test_every_kind_of_trouble_reaches_training(self):
        rng = random.Random(10)
        text = json.dumps([training_episode(rng).messages for _ in range(300)])
        for word in ("error: ", "refused: ", "unknown: run_defrost", "notice: restarted; compressor", "door open", "s left"):
            self.assertIn(word, text)

    def test_no_trouble_means_none(self):
        rng = random.Random(11)
        episode = play(draw_episode(rng, kind="bring", target="-18", troubles=Troubles()), rng)
        self.assertNotIn("error: ", json.dumps(episode.messages))


if __name__ == "__main__":
    unittest.main()
