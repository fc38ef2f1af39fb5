"""Tests of what has to hold before training starts, and of the file that comes out."""

import json
import random
import tempfile
import unittest
from pathlib import Path

import gguf
import torch

import catalogue
import frames
import shipped
import tasks
import words
from boards import BOARDS, board_world
from chat import IM_END, SPECIALS, call_text, render
from coldroom import ColdRoom, bringing
from convert import write
from decode import Session
from episodes import Episode, Player, Troubles, play, reply_text
from generate import MIXTURE, cold_room, training_conversation
from model import Network, Shape
from muon import Muon
from plant import Call, call
from policy import Answer, Expert, acting, asking, conditional
from speaker import SLOT
from tokenizer import Wren
from train import parts_of
from words import Split
from worlds import draw_world


def some(count, seed=1):
    rng = random.Random(seed)
    return [training_conversation(rng) for _ in range(count)]


def small_tokenizer():
    return Wren.train([render(one.messages, one.tools) for one in some(80, 5)], 600)


def plain(text):
    return " ".join(text.lower().split())


class SplitTest(unittest.TestCase):
    def test_held_out_frames_are_not_trained_on(self):
        pairs = [(getattr(frames, name.removeprefix("HELD_OUT_")), value) for name, value in vars(frames).items() if name.startswith("HELD_OUT_")]
        self.assertGreater(len(pairs), 8)
        for train, held_out in pairs:
            lists = [(train, held_out)] if isinstance(train, list) else [(train[key], held_out[key]) for key in held_out]
            for one, other in lists:
                rng = random.Random(1)
                trained = {plain(frames.expand(rng, frame)) for frame in one for _ in range(200)}
                self.assertFalse(trained & {plain(frames.expand(rng, frame)) for frame in other for _ in range(50)})

    def test_catalogue_frames_are_split(self):
        for known in catalogue.CATALOGUE.values():
            parameters, lines = known["parameters"], known["frames"] + known["held_out"]
            self.assertTrue(known["frames"] and known["held_out"])
            self.assertFalse(set(known["frames"]) & set(known["held_out"]))
            self.assertLessEqual(set(known["required"]), set(parameters))
            for line in lines:
                for slot in __import__("re").findall(r"\{(\w+)\}", line):
                    self.assertIn(slot, parameters, line)

    def test_words_are_split_by_what_they_are(self):
        rng = random.Random(2)
        train = {words.made_up(rng) for _ in range(3000)} | {words.place(rng) for _ in range(3000)}
        held_out = {words.made_up(rng, Split.HELD_OUT) for _ in range(3000)}
        self.assertFalse(train & held_out)
        self.assertFalse(any(words.held_out(word) for word in train))


class FramesTest(unittest.TestCase):
    SLOTS = set("a act act2 b be be2 be_cond c cond e e0 e1 es isit m must must2 n n_wait name not_over over p place q q0 r rest_act run s text thing things u undo w wait x x0 y y0 be1 must1".split())

    def lists(self, value, name):
        if isinstance(value, dict):
            for key, part in value.items():
                yield from self.lists(part, f"{name} {key}")
        elif isinstance(value, list):
            yield name, value

    def test_frames_are_well_formed(self):
        rng = random.Random(1)
        for name, known in vars(frames).items():
            for where, frame_list in self.lists(known, name) if name.isupper() else ():
                self.assertEqual(len(frame_list), len(set(frame_list)), where)
                for frame in frame_list:
                    for _ in range(5):
                        text = frames.expand(rng, frame)
                        self.assertFalse(set("()[]|") & set(text), f"{where}: {frame}")
                        self.assertTrue(set(SLOT.findall(text)) <= self.SLOTS | {"site"}, f"{where}: {frame}")

    def test_every_kind_can_be_said(self):
        for split in Split:
            said = set()
            for seed in range(700):
                rng = random.Random(seed)
                world = board_world(rng, rng.choice(BOARDS)) if seed % 2 else draw_world(rng)
                for kind in tasks.KINDS:
                    drawn = tasks.draw(tasks.Speaker(rng, world, split), kind)
                    if drawn:
                        said.add(kind)
                        self.assertNotIn("{", drawn[1])
            self.assertEqual(said, set(tasks.KINDS))


class ShippedTest(unittest.TestCase):
    def test_every_shipped_task_has_a_script(self):
        for board in BOARDS:
            self.assertEqual(set(shipped.texts(board)), set(shipped.SCRIPTS[board]) | ({"cool"} if board == "coldroom" else set()))

    def test_scripts_end_where_their_wording_says(self):
        for seed in range(100):
            rng = random.Random(seed)
            for board in BOARDS:
                world = board_world(rng, board)
                speaker = tasks.Speaker(rng, world)
                kind, request, script = shipped.shipped_task(speaker, board)
                episode = play(Episode(kind, request, Expert(world, script), world), rng)
                self.assertEqual(episode.messages[0]["content"], request)
                states = {name: actuator.word() for name, actuator in world.actuators.items()}
                if kind.endswith("close_valves"):
                    self.assertEqual((states["inlet_valve"], states["outlet_valve"]), ("closed", "closed"))
                elif kind.endswith("lights_but_hall"):
                    self.assertEqual((states["kitchen_light"], states["bedroom_light"]), ("off", "off"))
                elif kind.endswith("fill_tank"):
                    self.assertGreaterEqual(world.quantities["tank_level"].value, 79)
                elif kind.endswith("which_light"):
                    self.assertIn("hall light", episode.messages[-1]["content"])

    def test_nothing_is_trained_in_words_that_are_measured(self):
        measured = [text for board in BOARDS for task in shipped._tasks(board) for text in task["unseen"]]
        self.assertGreater(len(measured), 200)
        for text in measured:
            self.assertTrue(shipped.is_measured(text.lower().rstrip(".?!")), text)
        for one in some(3000, 12):
            for message in one.messages:
                self.assertFalse(message["role"] == "user" and shipped.is_measured(message["content"]), message)


class WorldTest(unittest.TestCase):
    def fits(self, tools, made):
        tool = next(tool["function"] for tool in tools if tool["function"]["name"] == made.name)
        properties = tool["parameters"]["properties"]
        keys = [key for key in properties if key in made.as_dict()]
        self.assertEqual(keys, [key for key, _ in made.arguments])
        self.assertTrue(set(tool["parameters"].get("required", [])) <= set(keys), made)
        kinds = {"boolean": bool, "integer": int, "number": (int, float), "string": str}
        for key, value in made.arguments:
            schema = properties[key]
            if "enum" in schema:
                self.assertIn(value, schema["enum"])
            else:
                self.assertIsInstance(value, kinds[schema["type"]])
                self.assertEqual(isinstance(value, bool), schema["type"] == "boolean")

    def test_every_call_fits_its_tool(self):
        for one in some(400, 3):
            for message in one.messages:
                if message["role"] == "assistant" and "<tool_call>" in message["content"]:
                    body = json.loads(message["content"].removeprefix("<tool_call>\n").removesuffix("\n</tool_call>"))
                    made = Call(body["name"], tuple(body["arguments"].items()))
                    self.assertEqual(call_text(made.name, made.as_dict()), message["content"])
                    self.fits(one.tools, made)

    def test_tools_have_names_of_their_own(self):
        for one in some(300, 4):
            names = [tool["function"]["name"] for tool in one.tools]
            self.assertEqual(len(names), len(set(names)))

    def test_a_device_can_be_told_from_the_others(self):
        rng = random.Random(5)
        for _ in range(300):
            world = draw_world(rng)
            labels = [part.label for part in [*world.actuators.values(), *world.quantities.values()]]
            self.assertEqual(len(labels), len(set(labels)))

    def test_the_world_does_what_it_is_told(self):
        rng = random.Random(6)
        for _ in range(300):
            world = draw_world(rng)
            for actuator in world.actuators.values():
                if actuator.setter and actuator.kind != "timed":
                    value = tasks.Speaker(rng, world).any_value(actuator)
                    self.assertFalse(world.call(actuator.setter(value)).startswith("error"))
                    self.assertEqual(actuator.value, value)

    def test_boards_open(self):
        rng = random.Random(7)
        for name in BOARDS:
            world = board_world(rng, name)
            self.assertTrue(world.system)
            self.assertTrue(any(quantity.read for quantity in world.quantities.values()), name)


class ExpertTest(unittest.TestCase):
    def world(self):
        return ColdRoom(random.Random(1), {"air": 2.0, "ice": 2, "compressor": False, "fan": 0})

    def replies(self, expert, *results):
        """Feeds results to an expert; returns its replies. None is a restart."""
        said = []
        for result in results:
            if result is None:
                expert.notice()
                continue
            said.append(expert.act())
            expert.result(result)
        return said + [expert.act()]

    def test_a_cold_room_is_brought_to_its_target(self):
        for seed in range(60):
            rng = random.Random(seed)
            world = ColdRoom(rng, {"air": round(rng.uniform(-14, 12), 1), "ice": rng.randint(0, 14), "compressor": False, "fan": 0})
            episode = Episode("bring", "", Expert(world, bringing(world, "-18")), world, Troubles(restarts=rng.randint(0, 3)))
            play(episode, rng)
            self.assertTrue(-22 <= world.air.value <= -17.2, f"seed {seed}: {world.air.value}")
            self.assertEqual((world.compressor.value, world.fan.value, world.doses), (False, 30, world.defrost.runs))
            self.assertIn(world.air.shown(), episode.messages[-1]["content"])

    def test_an_error_is_tried_once_more(self):
        world = self.world()
        expert = Expert(world, asking(world.air))
        said = self.replies(expert, "error: timed out", "error: timed out", "alert sent")
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[2:], [call("alert", text="read_room fails"), Answer("read_room fails: timed out.")])

    def test_an_error_that_passes_is_forgotten(self):
        world = self.world()
        expert = Expert(world, acting([(world.compressor, True)]))
        said = self.replies(expert, "error: timed out", "compressor is on")
        self.assertEqual(said[-1], Answer("Done: compressor is on."))

    def test_a_refusal_is_told(self):
        world = self.world()
        said = self.replies(Expert(world, acting([(world.compressor, True)])), "refused: needs a key", "alert sent")
        self.assertEqual(said[1:], [call("alert", text="needs a key"), Answer("Refused: needs a key.")])

    def test_a_restart_reads_again_but_runs_nothing_twice(self):
        world = self.world()
        defrost = (world.defrost, 300)
        expert = Expert(world, conditional(world.ice, ">", "1", [defrost]))
        done = "defrost started for 300 seconds"
        said = self.replies(expert, "ice 2 mm", "true", done, None, "ice 2 mm", "true")
        self.assertEqual([reply.name for reply in said[:-1]], ["read_room", "compare", "run_defrost", "read_room", "compare"])
        self.assertEqual(said[-1], Answer(f"The ice is 2 mm. Done: {done}."))

    def test_an_unknown_run_is_not_repeated(self):
        world = self.world()
        said = self.replies(Expert(world, acting([(world.defrost, 300)])), "unknown: run_defrost may have run; check before deciding")
        self.assertEqual(said[-1], Answer("It is unknown whether run_defrost ran."))

    def test_an_unknown_defrost_that_ran_is_dosed_for(self):
        unknown = "unknown: run_defrost may have run; check before deciding"
        for melted, expected in ((True, "dose_antifreeze"), (False, "run_defrost")):
            world = self.world()
            world.ice.value = 9
            expert = Expert(world, bringing(world, "-18"))
            self.replies(expert, "air 2.0 C", "true", unknown)
            world.ice.value = 1 if melted else 9
            expert.result("waited 600 seconds")
            said = self.replies(expert, "air 2.0 C", "false" if melted else "true")
            self.assertEqual(said[-1].name, expected)

    def test_a_defrost_that_still_runs_is_waited_for(self):
        world = self.world()
        world.defrost.left_s = 417
        self.assertEqual(self.replies(Expert(world, bringing(world, "-18")), "air 2.0 C")[-1], call("wait", seconds=417))


class TroublesTest(unittest.TestCase):
    def test_every_kind_of_trouble_reaches_training(self):
        text = json.dumps([one.messages for one in some(800, 10)])
        for word in ("error: ", "refused: ", "unknown: ", "notice: restarted; compressor", "door open", "s left", "SYSTEM: ", "I have no tool", "Which one: "):
            self.assertIn(word, text)

    def test_no_trouble_means_none(self):
        rng = random.Random(11)
        world = ColdRoom(rng, {"air": 2.0, "ice": 6, "compressor": False, "fan": 0})
        episode = play(Episode("bring", "", Expert(world, bringing(world, "-18")), world), rng)
        self.assertNotIn("error: ", json.dumps(episode.messages))

    def test_every_part_of_the_mixture_is_drawn_by_its_seed(self):
        for make, _, _ in MIXTURE.values():
            one, other = make(random.Random(3)), make(random.Random(3))
            self.assertEqual((one.messages, one.tools), (other.messages, other.tools))


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
        ids, _ = self.tokenizer.conversation(conversation, some(1)[0].tools)
        self.assertEqual(ids.count(IM_END), len(conversation))

    def test_segments_are_the_rendered_text(self):
        for one in some(40, 9):
            ids, wanted = self.tokenizer.conversation(one.messages, one.tools)
            self.assertEqual(self.tokenizer.decode(ids), render(one.messages, one.tools))
            replies = sum(message["role"] == "assistant" for message in one.messages)
            self.assertEqual(sum(token == IM_END and flag for token, flag in zip(ids, wanted)), replies)
            prompt = self.tokenizer.prompt(one.messages, one.tools)
            self.assertEqual(self.tokenizer.decode(prompt), render(one.messages, one.tools, add_generation_prompt=True))

    def test_tools_are_listed_as_signatures(self):
        tools = cold_room(random.Random(1)).tools
        text = render([{"role": "system", "content": "S"}, {"role": "user", "content": "U"}], tools)
        self.assertIn("\ncompare(value:number,operator:<|<=|>|>=|==,limit:number) compare two numbers\n", text)
        self.assertIn("\nread_room() read", text)

    def test_calls_are_spelled_as_the_grammar_does(self):
        expected = '<tool_call>\n{"name": "set_fan", "arguments": {"percent": 100}}\n</tool_call>'
        self.assertEqual(reply_text(call("set_fan", percent=100)), expected)


class MuonTest(unittest.TestCase):
    def test_steps_equal_those_of_torch(self):
        torch.manual_seed(3)
        shapes = [(32, 48), (48, 32), (32, 48), (16, 16)]
        ours = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
        theirs = [torch.nn.Parameter(one.detach().clone()) for one in ours]
        mine = Muon(ours, 0.01)
        reference = torch.optim.Muon(theirs, lr=0.01, momentum=0.95, weight_decay=0.01, adjust_lr_fn="original")
        for _ in range(4):
            for one, other in zip(ours, theirs):
                one.grad = torch.randn_like(one)
                other.grad = one.grad.clone()
            mine.step()
            reference.step()
        for one, other in zip(ours, theirs):
            self.assertLess((one - other).abs().max().item(), 1e-6)


class NetworkTest(unittest.TestCase):
    def network(self, seed, spread):
        torch.manual_seed(seed)
        network = Network(Shape(vocab=300))
        for parameter in network.parameters():  # outputs start at zero, which would hide mistakes
            torch.nn.init.normal_(parameter, 0, spread)
        return network

    def test_cached_decoding_equals_the_whole(self):
        network = self.network(1, 0.05)
        ids = torch.randint(0, 300, (1, 120))
        whole = network(ids)[0]
        session, row = Session(network.shape, network.state_dict()), ids[0].tolist()
        parts = torch.cat([session.feed(row[:50]), session.feed(row[50:51]), session.feed(row[51:])])
        self.assertLess((whole - parts).abs().max().item(), 1e-3)

    def test_a_wrong_guess_changes_nothing(self):
        network = self.network(2, 0.1)
        plainly = Session(network.shape, network.state_dict()).reply([5, 6, 7])
        guess = plainly[:4] + [9, 9, 9]
        self.assertEqual(Session(network.shape, network.state_dict()).reply([5, 6, 7], guess), plainly)

    def test_a_step_in_parts_has_the_gradient_of_the_whole(self):
        network = self.network(3, 0.05)
        ids = torch.randint(0, 300, (6, 40))
        at = torch.sort(torch.randperm(240)[:50]).values  # unlike many in each part
        wanted = torch.randint(0, 300, (50,))

        def gradients(count):
            network.zero_grad()
            for ids_of, at_of, wanted_of in parts_of(ids, at, wanted, count):
                logits = network.logits(network.states(ids_of).flatten(0, 1).index_select(0, at_of))
                (torch.nn.functional.cross_entropy(logits, wanted_of) * len(at_of) / len(at)).backward()
            return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])

        whole = gradients(1)
        self.assertLess((gradients(3) - whole).abs().max().item(), 1e-4 * whole.abs().max().item())

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


if __name__ == "__main__":
    unittest.main()
