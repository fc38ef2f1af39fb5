"""An agent as a user would build it with LangGraph: llama-cpp-python for the model, SQLite for what is kept.

Each step asks the model for one call, makes it, and keeps both in a checkpoint. Prints what it took as JSON.
"""

import argparse
import json
import os
import pathlib
import resource
import sqlite3
import time
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph
from llama_cpp import Llama


def joined(before: list[dict], new: list[dict]) -> list[dict]:
    return before + new


class State(TypedDict):
    messages: Annotated[list[dict], joined]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--system", required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--tools", type=json.loads, required=True)
    parser.add_argument("--call", required=True)
    args = parser.parse_args()

    model = Llama(args.model, n_ctx=4096, n_threads=args.threads, n_threads_batch=args.threads, verbose=False)
    ended: list[float] = []

    def ask(state: State) -> State:
        reply = model.create_chat_completion(
            messages=state["messages"],
            tools=args.tools,
            tool_choice={"type": "function", "function": {"name": args.call}},
            temperature=0.0,
            max_tokens=128,
        )
        message = reply["choices"][0]["message"]
        return {"messages": [{"role": "assistant", "content": None, "tool_calls": message["tool_calls"]}]}

    def act(state: State) -> State:
        call = state["messages"][-1]["tool_calls"][0]
        with (args.folder / "log.txt").open("a") as log:
            log.write(json.loads(call["function"]["arguments"])["text"] + "\n")
            log.flush()
            os.fsync(log.fileno())
        return {"messages": [{"role": "tool", "tool_call_id": call["id"], "content": "logged"}]}

    def go_on(state: State) -> str:
        ended.append(time.monotonic())
        return "ask" if len(ended) < args.steps else END

    graph = StateGraph(State)
    graph.add_node("ask", ask)
    graph.add_node("act", act)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", "act")
    graph.add_conditional_edges("act", go_on, ["ask", END])
    connection = sqlite3.connect(args.folder / "checkpoints.sqlite", check_same_thread=False)
    # As durable as a record on flash: a checkpoint that is kept survives the power.
    connection.execute("PRAGMA synchronous = FULL")
    agent = graph.compile(checkpointer=SqliteSaver(connection))
    began = time.monotonic()
    agent.invoke(
        {"messages": [{"role": "system", "content": args.system}, {"role": "user", "content": args.task}]},
        {"configurable": {"thread_id": "1"}, "recursion_limit": 4 * args.steps + 10},
        durability="sync",
    )
    starts = [began, *ended[:-1]]
    print(
        json.dumps(
            {
                "first_s": ended[0] - process_began(),
                "steps_s": [end - start for start, end in zip(starts, ended)],
                "resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "written_bytes": written_bytes(),
            }
        )
    )


def process_began() -> float:
    """When this process was started, on the clock of time.monotonic()."""
    fields = pathlib.Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return since_boot - (time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic())


def written_bytes() -> int:
    """What this process made the system write, from the kernel's account."""
    lines = pathlib.Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes:"))


if __name__ == "__main__":
    main()
