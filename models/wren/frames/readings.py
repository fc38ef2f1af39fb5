"""How people ask for readings. Notation: see `frames`."""

ASK = [
    "what is {q}[ now| right now| at the moment]?", "what's {q}?", "(tell|give) me {q}", "(read|check|report|show) {q}",
    "(how (high|low|big|large|much)|what) is {q}?", "{q}?", "{q} [please]", "I (need|want) [to know] {q}",
    "(do you know|can you tell me|could you tell me) {q}?", "(look up|look at|find out|measure|get) {q} [for me]",
    "what does {q} (stand at|read|show|say)?", "where (is|does) {q} [stand] [at]?", "(please|now) (read|report) {q}", "what value has {q}?",
    "let me know {q}", "(read|check|report) {q} (and tell me|please|for me|now)", "what (reading|value|figure) do (you|we) have for {q}?",
    "say what {q} is", "how is {q} [doing]?", "(I wonder|I would like to know) what {q} is", "give me the (current|latest|present) {q0}",
    "(current|present|latest) {q0}?", "report the (current|present) {q0}", "what is the (current|present) {q0}?", "how do we stand with {q}?",
    "how are we doing on {q}?", "what's {q} at [now|right now]?", "what is {q} showing?", "what has {q} got to?", "what are we at with {q}?",
    "what do you read for {q}?", "what do the instruments say about {q}?", "what's the (figure|value|number) for {q}?", "what's the latest on {q}?",
    "which value does {q} have [now]?", "what would {q} be just now?", "can you (check|read) {q} [for me]?", "could you have a look at {q}?",
    "would you (check|read out) {q}?", "would you mind checking {q}?", "may I know what {q} is?", "can I get {q}?", "do we know {q}?",
    "do you have {q} [for me]?", "have you got {q}?", "so what is {q} today?", "and {q}?", "just {q}, (thanks|please)", "quick check: {q}?",
    "{q} now", "{q} = ?", "{q0} value[?]", "{q0} reading please", "status of {q}?", "reading for {q}, please", "{q}, (please|thanks)", "read me {q}",
    "read out {q}", "read {q} and report", "go and see what {q} is", "have a look what {q} is", "see what {q} is [and tell me]", "give us {q}",
    "give me (a reading of|the value of|the figure for) {q}", "pass me {q}", "I'd like to hear what {q} is", "I was wondering about {q}",
    "I am curious what {q} is", "I can't see {q} from here, what is it?", "I have to write down {q}, what is it?",
    "my (boss|wife|neighbour) asks what {q} is", "for the (log book|handover|shift report) I need {q}", "before I go home: what is {q}?",
    "I'm off site, so tell me {q}", "the display is broken. What is {q}?", "I'm worried about {q}. What is it now?",
    "something seems wrong with {q}. What does it read?", "just tell me what {q} is, don't change anything",
    "nothing to do, I only want to know {q}", "one question: what is {q}?", "it would help to know {q}", "it would be nice to know what {q} is",
    "remind me what {q} is", "{q}, what is it [now]?", "{q} at present?", "{q} - (report|tell me)", "{q}, go ahead", "{q}, over", "{q} pls",
    "{q} pls, thx", "{q} right now", "{q} at this moment?", "{q} today?", "{q} is what?", "{q} is how much [now]?", "{q} stands where?",
    "{q} is at what [now]?", "{q}? Anyone?", "{q}? I can't see it from here", "{q}? Just the number", "{q} - what have you got?",
    "{q} - which value?", "{q}, just a number please", "{q}, current value", "{q}, latest figure please", "{q}, if you (can|would)",
    "{q}, would you?", "{q}, any idea?", "{q} check", "{q0} check please", "{q0} now?", "{q0}, what's it say?", "{q0} check, over", "{q0} figure?",
    "{q0} status", "{q0} update please", "an update on {q}[, please]", "(hi|hello|hey), what's {q}?", "hey, how's {q} looking?",
    "how's {q} looking [over there]?", "how's {q}?", "how does {q} look [at the moment|just now]?", "how do things look with {q}?",
    "where are we with {q}?", "where's {q} at?", "where's {q} sitting [right now]?", "where do we stand on {q}?", "what's {q} sitting at?",
    "what's {q} up to now?", "what's {q} reading?", "what's the reading on {q}?", "what's the story with {q}?", "what are you seeing (for|on) {q}?",
    "what are you getting for {q}?", "what can you tell me about {q}?", "what number does {q} have at the moment?",
    "what number do you get for {q}?", "what does the (sensor|probe|gauge|meter) say about {q}?", "what does the (gauge|sensor) show for {q}?",
    "any news on {q}?", "any reading for {q}?", "any chance you could tell me {q}?", "any chance of a reading of {q}?", "mind telling me {q}?",
    "mind reading me {q}?", "mind having a look at {q}?", "would you be so kind as to tell me {q}?", "would it be possible to get {q}?",
    "is there a reading for {q}?", "is it possible to know {q}?", "could I get a reading of {q}?", "could somebody tell me {q}?",
    "could you let me have {q}?", "can you see what {q} is [from there]?", "can you give me a number for {q}?", "can I have the number for {q}?",
    "can we have {q} once more?", "may I have {q}, please?", "might I ask what {q} is?", "I'd like {q}[, please]", "I'd like to see {q}",
    "I'd like a reading of {q}", "I'd love to know {q}", "I'd be glad to know what {q} is", "I'm asking for {q}", "I'm interested in {q}",
    "I'm after {q}, nothing else", "I'm looking for {q}", "I've got to know {q}", "I only need the value of {q}",
    "I forgot what {q} is, (say it again|tell me)", "I have no idea what {q} is, can you look?", "I don't know {q}, tell me",
    "I just want a number: {q}", "we need a reading of {q}", "we'd like to know {q}", "we were just asking ourselves what {q} is",
    "somebody here wants to know {q}", "the (boss|inspector|night shift) wants to know {q}", "the customer is on the phone and asks what {q} is",
    "my glasses are at home, read me {q}", "I'm on the road, what does {q} say?", "I'm standing outside, what's {q} in there?",
    "before we start I'd like to know {q}", "before I decide anything, what is {q}?", "so I can plan the day, tell me {q}",
    "for my notes: what is {q}?", "for the morning round I want {q}", "while you're at it, what's {q}?", "sorry to bother you, but what is {q}?",
    "no action, only {q}", "don't touch anything, just read {q}", "leave everything as it is and tell me {q}", "don't guess, read {q}",
    "not yesterday's value, {q} as it is now", "only {q}, nothing more", "not a change, a question: {q}?", "please say to me {q}",
    "please to tell me how is {q}", "tell please, {q} how much?", "how much is it now, {q}?", "how much have we got on {q}?", "let's hear {q}",
    "let's have {q}", "let's have a look at {q}", "let me see {q}", "let me have {q}", "let us know {q}", "let me know how {q} is doing",
    "fetch me {q}", "call out {q}", "send me {q}", "send over {q}", "text me {q}", "display {q}", "query {q}", "sample {q} [once] and report",
    "take a look at {q} and tell me what you see", "do a quick check on {q}", "do me a favour and check {q}",
    "have a quick look at {q}, what is it?", "run your eye over {q} and tell me", "base to control: {q}?", "come in with {q}, please",
    "requesting {q}", "request: {q}", "request reading, {q}", "value of {q}?", "value for {q} please", "the (value|figure|number) of {q}, please",
    "number for {q}?", "reading of {q}?", "latest on {q}?", "info on {q}?", "current value of {q}", "present state of {q}?", "what about {q}?",
    "and how about {q}?", "and what's {q} now?", "and now {q}", "next: {q}", "once more: what is {q}?", "again, {q}?", "so, {q}?", "ok, and {q}?",
    "well, what's {q} then?", "tell me something about {q}: where is it now?", "tell me where {q} is at", "tell me how {q} stands",
    "tell me how {q} is doing", "tell me what the sensor says for {q}", "give me a number for {q}", "give me an update on {q}",
    "give me the reading, {q}", "it'd be good to have {q}", "good to know would be {q}", "all I need is {q}", "all I want to know is {q}",
    "what I need is {q}", "what I'd like to know is {q}", "my question is what {q} is", "a question about {q}: what is it at the moment?",
    "is {q} known? Then tell me", "it's been a while since I looked at {q}, what is it now?",
]

HELD_OUT_ASK = [
    "could I have {q}?", "fill me in on {q}", "what number is {q} at?", "any idea what {q} is?", "quote me {q}", "state {q}",
    "take a reading of {q}",
]

ASK_UNIT = [
    "how many {u} does {q} have?", "how many {u} is {q}?", "how many {u} is {q} at [now]?", "{q} in {u}?", "what is {q} in {u}?",
    "give me {q} in {u}", "tell me how many {u} {q} is", "how many {u} does {q} (show|read)?", "at how many {u} is {q}?", "I need {q} in {u}",
    "{q}: how many {u}?", "{q} - {u}?", "how many {u} do we have on {q}?", "say in {u} what {q} is", "{q} in {u}, please", "{q} is how many {u}?",
    "{q} stands at how many {u}?", "how many {u} on {q}?", "how many {u} are we at with {q}?", "how many {u} have we got on {q}?",
    "how many {u} does the sensor give for {q}?", "how many {u} would {q} be now?", "what's {q}, in {u}?", "what does {q} read in {u}?",
    "read me {q} in {u}", "report {q} in {u}", "let me know {q} in {u}", "can you give me {q} in {u}?", "could you tell me how many {u} {q} is?",
    "I want to know how many {u} {q} is", "I'd like {q} in {u}", "any idea how many {u} {q} is?", "the number of {u} for {q}, please",
    "in {u}, what is {q}?", "in {u}, please: {q}", "{u} on {q}?",
]

STATE = [
    "is {e} {s}?", "is {e} {s} (now|right now|at the moment|or not)?", "(check|tell me|find out|see) (if|whether) {e} is {s}", "{e}: {s} or not?",
    "do you know (if|whether) {e} is {s}?", "what (state|position) is {e} in?", "how is {e} set?", "what is the (state|position|setting) of {e}?",
    "(tell|show) me the state of {e}", "is {e} still {s}?", "did (someone|anyone) leave {e} {s}?", "report the state of {e}",
    "I want to know (if|whether) {e} is {s}", "{e} {s}?", "{e}, is it {s}?", "{e} still {s}?", "has {e} been left {s}?", "was {e} left {s}?",
    "isn't {e} {s}?", "{e} is {s}, isn't it?", "{e} is {s}, right?", "do we have {e} {s} [at the moment]?",
    "can you (see|check) (if|whether) {e} is {s}?", "could you confirm (that|whether) {e} is {s}?", "I (think|hope) {e} is {s}, is it?",
    "I can't remember (if|whether) {e} is {s}, (check|have a look)", "I'm not sure (if|whether) {e} is {s}, please check",
    "I'd like to know whether {e} is {s}", "any idea (if|whether) {e} is {s}?", "would you tell me (if|whether) {e} is {s}?",
    "quick one: is {e} {s}?", "just asking, is {e} {s}?", "before I leave, is {e} {s}?", "only a question, is {e} {s} at the moment?",
    "don't touch {e}, just tell me (if|whether) it is {s}", "please look (if|whether) {e} is {s}", "yes or no: {e} {s}?", "{e}: state?",
    "{e}, which state?", "state of {e}?", "status of {e}[, please]", "how is {e} standing right now?", "what is {e} doing [at the moment]?",
    "in which state is {e}?", "what state did we leave {e} in?", "what's {e} set to?", "what's up with {e}, is it {s}?", "tell me how {e} is set",
    "give me the state of {e}", "I need the state of {e}",
]

HELD_OUT_STATE = [
    "would you say {e} is {s}?", "am I right that {e} is {s}?", "look whether {e} happens to be {s}",
]

REPORT = [
    "and report", "and report back", "then report", "then report back [to me]", "and tell me when (it's|it is) done",
    "and let me know when you're done", "then let me know", "and say when it is done", "and say so when you are finished", "report when done",
    "reporting when finished", "with a report at the end", "and give me a report afterwards", "and tell us how it went", "and confirm when done",
    "then confirm", "and get back to me", "then tell me", "and let us know once that is done", "and give me word when you have finished",
    "and I'd like to hear when it's done", "report to follow", "and keep me posted", "and I want a short report after that",
    "then tell me that it is done", "and tell me the result", "afterwards report", "and report, please", "and tell me",
    "and tell me when you're there", "and tell me when you've got it", "and tell me what you get", "and tell me where it ends up",
    "and tell me what it reads then", "and tell us", "and say when", "and shout when it's there", "and give me a shout when it's done",
    "and give me a call when it's there", "and give me the number", "and give me the reading", "and give me the value afterwards",
    "and send me (the result|the value|a message)", "and drop me a line when it's done", "and ping me (when done|afterwards)",
    "and message me after", "and text me when finished", "and report the (result|value|reading)", "and report the (result|value) to me",
    "and report in", "and report once there", "and report when you're through", "and report as soon as it's there", "and radio back",
    "and come back to me with the value", "and inform me", "and inform (me|us) when ready", "and confirm", "and confirm to me, please",
    "and confirm the value", "and let me hear", "and let me know how it went", "and let me have the reading", "and let me know the value",
    "and read it out to me at the end", "and I want to hear about it", "and I want the value afterwards", "and I'd like the number when it's there",
    "and I need a report", "and don't forget to report", "and please don't forget to tell me", "and a report, please",
    "and a word to me when it's done", "then report to me", "then report the value", "then give me the value", "then give me a shout", "then say so",
    "then say what it is", "then tell me what it reads", "then inform me", "then message me", "then ping me", "then come back to me",
    "then a short report, please", "report after", "report back, please", "report back when it's there", "report the value at the end",
    "report, over", "tell me when done", "tell me when it's there", "tell me afterwards", "tell me the value when you're done",
    "let me know when it's there", "confirm when there", "confirm, over", "say when it's done", "reporting back to me", "reporting the result",
    "with a report afterwards", "with a message to me when it is done", "afterwards tell me how it stands", "when it's done, report",
    "when you've finished, tell me", "once there, report", "once that's done let me know", "a report at the end, please",
    "I'll be waiting for your report", "I expect a report afterwards",
]

REPORT_Q = [
    "and say what {q} reads", "and tell me what {q} is then", "then report {q}", "and report {q} [afterwards]", "and let me know {q} at the end",
    "then tell me {q}", "and say where {q} stands", "then read {q} to me", "and give me {q} when you are done", "reporting {q} at the end",
    "and tell us what {q} has come to", "then let me know what {q} shows", "and report back with {q}", "afterwards tell me {q}",
    "and tell me {q} [afterwards]", "and tell me where {q} is then", "and tell me what {q} has become", "and tell me how {q} stands at the end",
    "and tell us {q}", "and give me {q}", "and give me the value of {q}", "and give me a reading of {q} after that", "and let me know what {q} is",
    "and let me have {q} when it's done", "and let me hear {q}", "and say {q}", "and say what {q} has got to", "and report what {q} is",
    "and report {q} to me", "and report {q} when done", "and read me {q} at the end", "and read out {q}", "and send me {q}", "and message me {q}",
    "and confirm {q} [to me]", "and come back with {q}", "and I'd like to know {q} then", "and I want to hear {q} after", "and show me {q}",
    "then report what {q} reads", "then report back {q}", "then tell me where {q} is", "then tell me what {q} is", "then tell us {q}",
    "then give me {q}", "then let me know {q}", "then let me have {q}", "then say what {q} is", "then send me {q}", "then read {q} out",
    "then read {q} and tell me", "then call out {q}", "then come back to me with {q}", "when done, report {q}", "when it's done, tell me {q}",
    "once finished, let me know {q}", "afterwards report what {q} is", "afterwards I need {q}", "at the end tell me {q}", "at the end report {q}",
    "finally, tell me {q}", "finally report {q}", "reporting {q} [when done]", "reporting what {q} is then", "with a report of {q} [at the end]",
    "with {q} reported at the end", "report {q} after", "report {q} when there", "tell me {q} at the end", "I'd like to hear {q} afterwards",
]

READ_AGAIN = [
    "(read|check|report) {q}", "(read|check) {q} again", "tell me {q}", "look at {q} [again]", "say what {q} is", "report {q} [again]",
    "let me know {q}", "I want to know {q}", "what is {q}?", "(give|show) me {q}", "tell me what {q} (is|reads|is at) [then]", "report what {q} is",
    "(look|see) what {q} is", "see what {q} (says|reads|shows)", "see where {q} is [now]", "see where {q} has got to", "see how {q} is [then]",
    "see how {q} has come along", "check what {q} (says|reads|is)", "check how {q} stands", "check on {q}", "check {q} and tell me",
    "check {q} once more", "check {q} for me", "read {q} once more", "read {q} and tell me", "read {q} to me", "read {q} out", "read me {q}",
    "read out {q}", "read off {q}", "report {q} to me", "report {q} back", "report back with {q}", "report where {q} is",
    "report what {q} (says|shows|reads)", "tell me {q} again", "tell me where {q} is", "tell me where {q} stands", "tell me how {q} is",
    "tell me what {q} has come to", "tell me what {q} shows", "tell me what you read for {q}", "tell me the value of {q}", "tell us {q}",
    "tell us what {q} is", "say {q}", "say where {q} is", "say what {q} (reads|shows)", "call out {q}", "measure {q} [again]",
    "measure {q} and tell me", "take a reading of {q}", "take a look at {q}", "have a look at {q}", "have another look at {q}",
    "look at {q} and tell me", "look up {q}", "find out {q}", "find out what {q} is", "get {q} for me", "get me {q}", "get me a reading of {q}",
    "give me a reading of {q}", "give me the value of {q}", "give me {q} again", "give us {q}", "send me {q}", "send me the value of {q}",
    "message me {q}", "let me know what {q} is", "let me know where {q} is", "let me know how {q} is", "let me have {q}", "let me hear {q}",
    "let me see {q}", "let us know {q}", "show me what {q} is", "show {q}", "state {q}", "inform me what {q} is", "inform me of {q}",
    "confirm to me what {q} is", "I want to hear {q}", "I want to know what {q} is", "I'd like to know {q}", "I'd like {q}", "I need {q}",
    "I need to know {q}", "what does {q} (say|read)?", "what's {q}?", "how is {q}?", "where is {q}?",
]

COMPARE_TWO = [
    "which is (higher|more|larger|greater), {q} or {r}?", "is {q} (higher|more|larger|greater) than {r}?", "compare {q} and {r}",
    "compare {q} with {r}", "is there more of {q} than {r}?", "what is (higher|larger): {q} or {r}?", "of {q} and {r}, which is (higher|larger)?",
    "tell me which is (higher|larger), {q} or {r}", "does {q} exceed {r}?", "{q} or {r}, which is (higher|larger|greater)?",
    "{q} or {r}, what's higher?", "{q} versus {r}?", "{q} vs {r}", "{q} vs {r}, which is higher?", "{q} against {r}, please", "{q} > {r}?",
    "{q} above {r}?", "{q} above {r} or not?", "{q} higher than {r}?", "{q} and {r}: which one is higher?", "{q} and {r} - compare",
    "{q} and {r}, compare them", "{q} and {r}, side by side please", "{q} compared with {r}?", "{q} compared to {r}, please",
    "which one's higher, {q} or {r}?", "which one is the higher of the two, {q} or {r}?", "which of the two is higher, {q} or {r}?",
    "which is bigger: {q} or {r}?", "which has the higher value, {q} or {r}?", "which reads higher, {q} or {r}?", "which shows more, {q} or {r}?",
    "which stands higher, {q} or {r}?", "which is on top, {q} or {r}?", "what's bigger, {q} or {r}?", "what's more, {q} or {r}?",
    "what reads higher, {q} or {r}?", "what is the higher one, {q} or {r}?", "is {q} above {r}?", "is {q} over {r}?",
    "is {q} (bigger|more) than {r} [now|at the moment]?", "is {q} higher, or {r}?", "is it {q} or {r} that is higher?", "is {q} beyond {r}?",
    "is {q} ahead of {r}?", "does {q} read higher than {r}?", "does {q} lie above {r}?", "does {q} stand higher than {r}?",
    "does {q} come out higher than {r}?", "do we have more on {q} than on {r}?", "has {q} a higher value than {r}?", "has {q} gone above {r}?",
    "how does {q} compare with {r}?", "how does {q} compare to {r}?", "how is {q} compared with {r}?", "compare {q} to {r}",
    "compare {q} against {r}", "compare {q} and {r} for me", "compare {q} and {r} and tell me which is higher", "compare the two: {q} and {r}",
    "comparison of {q} and {r}, please", "do a comparison of {q} and {r}", "make a comparison between {q} and {r}",
    "put {q} next to {r} and tell me which is higher", "put {q} and {r} side by side", "hold {q} against {r}",
    "check {q} against {r}, which is higher?", "check whether {q} is higher than {r}", "check if {q} is above {r}",
    "check which is higher, {q} or {r}", "see whether {q} is (higher|greater) than {r}", "see which is higher, {q} or {r}",
    "find out which is higher, {q} or {r}", "read {q} and {r} and say which is higher", "read both, {q} and {r}, and tell me which is higher",
    "look at {q} and {r}: which is higher?", "look at {q} and at {r} and compare", "say which is larger, {q} or {r}",
    "say whether {q} is higher than {r}", "tell me if {q} is above {r}", "tell me whether {q} exceeds {r}", "tell me how {q} compares with {r}",
    "tell me which one is higher: {q} or {r}", "can you compare {q} and {r}?", "can you tell me which is higher, {q} or {r}?",
    "could you compare {q} with {r} for me?", "could you see which is higher, {q} or {r}?", "would you check whether {q} is higher than {r}?",
    "do you know if {q} is higher than {r}?", "any idea which is higher, {q} or {r}?", "I want to know which is higher, {q} or {r}",
    "I want {q} and {r} compared", "I'd like to know whether {q} is above {r}", "I'd like a comparison of {q} and {r}",
    "I wonder if {q} is higher than {r}", "I wonder which is higher, {q} or {r}", "I think {q} is higher than {r}, is that right?",
    "my guess is that {q} is above {r}, true?", "we have a bet: which is higher, {q} or {r}?", "higher: {q} or {r}?", "larger, {q} or {r}?",
    "between {q} and {r}, which one is higher?", "of the two, {q} and {r}, which reads higher?", "out of {q} and {r}, which is the higher?",
]

LOG_VALUE = [
    "(log|record|note) {q}", "(write|put) {q} (in|into) the log", "read {q} and log it", "note {q} in the log", "make a log entry of {q}",
    "log the reading of {q}", "{q} (in|into) the log", "{q} in the log, please", "{q}: log it", "{q} - log", "{q}, log entry please",
    "{q} into the logbook", "{q} should go into the log", "{q} goes in the log", "{q} has to be logged", "{q} for the log: read it and enter it",
    "log {q} please", "log {q} now", "log {q} for me", "log {q} as it is now", "log what {q} is", "log what {q} reads",
    "log the (value|figure) of {q}", "log the current value of {q}", "log how {q} stands", "log where {q} is", "note down {q}",
    "note down what {q} is", "note what {q} reads [now]", "note the (value|reading) of {q}", "record the value of {q}", "record what {q} is",
    "record {q} in the log", "record {q} for later", "write down {q}", "write down what {q} is", "write the value of {q} in the log",
    "write {q} down in the logbook", "write up {q} in the log", "write in the log what {q} is", "write in the log where {q} stands",
    "put down {q} in the log", "put the reading of {q} in the log", "put on record what {q} is", "enter {q} in the log",
    "enter the value of {q} into the log", "enter in the log what {q} is", "add {q} to the log", "add a reading of {q} to the log",
    "make a note of {q}", "make a note of what {q} is", "make a record of {q}", "keep a record of {q} as it is now", "take down {q} in the log",
    "take a reading of {q} and log it", "take a reading of {q} for the log", "take {q} and put it in the log", "check {q} and log it",
    "check {q} and write it down", "check what {q} is and log that", "read {q} and write it down", "read {q} and put it in the log",
    "read {q} and enter it in the log", "read {q} into the log", "read {q}, then log the value", "look at {q} and note it in the log",
    "measure {q} and log the value", "get {q} into the log", "get a reading of {q} and log it", "could you log {q}?",
    "could you note {q} in the log?", "can you write {q} into the log?", "would you log the reading of {q}?", "would you put {q} in the log for me?",
    "mind logging {q}?", "any chance you could log {q}?", "I want {q} logged", "I want {q} in the log", "I'd like {q} noted in the log",
    "I'd like a log entry with {q}", "I need {q} in the log", "we need {q} on record", "we need a log entry of {q}", "for the record, log {q}",
    "for the log: read {q} and note it", "for the log, take {q}", "log entry for {q}", "log entry: value of {q}", "log value of {q}",
    "reading of {q} to the log", "reading of {q}, log it", "save {q} in the log", "save the reading of {q} to the log", "don't forget to log {q}",
    "please log what {q} is", "please note {q} in the logbook", "please write down {q} in the log", "the inspector wants {q} on record, so log it",
    "so that we have it on paper, log {q}", "let the log show what {q} is", "let the log have {q}",
]

LOG = [
    "(log|note|record) that {text}", "(write|put) (in|into|to|down in) the log [that]: {text}", "(add|make) a (log entry|note): {text}",
    "log: {text}", "log {text}", "note in the log that {text}", "make a note that {text}", "write down that {text}", "for the log: {text}",
    "enter {text} in the log", "log this: {text}", "please log {text}", "log entry: {text}", "log entry, please: {text}", "log note: {text}",
    "log message: {text}", "logbook: {text}", "into the log: {text}", "to the log: {text}", "in the log, please: {text}", "journal: {text}",
    "note: {text}", "note for the log: {text}", "note to the log that {text}", "note down that {text}", "note down: {text}", "record: {text}",
    "record in the log that {text}", "record the following: {text}", "record this in the log: {text}", "write this in the log: {text}",
    "write in the logbook that {text}", "write up in the log that {text}", "put this on the log: {text}", "put it down in the log that {text}",
    "put \"{text}\" in the log", "enter in the log: {text}", "enter in the log that {text}", "enter this into the log, word for word: {text}",
    "make an entry in the log: {text}", "make an entry that {text}", "make this log entry: {text}", "add to the log that {text}",
    "add this to the log: {text}", "add a line to the log: {text}", "keep a note that {text}", "keep a record that {text}", "log it: {text}",
    "log it that {text}", "log the following: {text}", "log the following words: {text}", "log as follows: {text}", "log, word for word: {text}",
    "could you log that {text}?", "could you note in the log that {text}?", "can you put in the log that {text}?", "can you write down that {text}?",
    "would you make a note that {text}?", "would you log this for me: {text}", "mind logging that {text}?", "I want it logged that {text}",
    "I want this in the log: {text}", "I'd like a log entry: {text}", "I need a note in the log that {text}", "we need this on record: {text}",
    "let the log say: {text}", "let it be noted that {text}", "it should be in the log that {text}", "for the record, log this: {text}",
    "for the record, note that {text}", "for the next shift, log that {text}", "so that nobody forgets, write in the log: {text}",
    "before I forget, log that {text}", "please write to the log: {text}", "please put down in the log that {text}",
    "please note for the record that {text}", "pls log: {text}",
]

HELD_OUT_LOG = [
    "put on record that {text}", "the log should say {text}", "jot down {text}",
]

ALERT = [
    "(alert|warn) (us|me|everyone|the crew|the owner): {text}", "send an (alert|alarm) [that]: {text}", "(raise|send|give) an alert saying {text}",
    "alert: {text}", "(send|raise) the alarm: {text}", "alert the (crew|team|owner) that {text}", "warn (them|us|the team) that {text}",
    "sound an alarm: {text}", "send an alert that {text}", "alert, please: {text}", "alert message: {text}", "alert with the text: {text}",
    "alert the others: {text}", "alert everybody that {text}", "alert me that {text}", "alarm: {text}", "alarm message: {text}",
    "alarm to the crew: {text}", "warning: {text}", "warning to (all|everyone|the crew): {text}", "warning out, please: {text}",
    "warn everyone that {text}", "warn the crew that {text}", "warn people: {text}", "warn all hands that {text}", "issue an alert: {text}",
    "issue a warning that {text}", "issue this alert, word for word: {text}", "give the alarm that {text}", "give the alarm: {text}",
    "raise the alarm that {text}", "raise an alert: {text}", "raise an alarm saying {text}", "send out an alert: {text}",
    "send out an alarm that {text}", "send out a warning: {text}", "send this as an alert: {text}", "send the (team|crew|owner) an alert: {text}",
    "send everyone an alarm that {text}", "send an alarm with this text: {text}", "send a warning saying {text}", "sound the alarm: {text}",
    "sound the alarm that {text}", "put out an alert: {text}", "put out an alarm that {text}", "push an alert: {text}",
    "push this out as an alert: {text}", "trigger an alert with the message: {text}", "trigger an alarm: {text}", "fire off an alert: {text}",
    "get an alert out: {text}", "get the alert out that {text}", "make an alarm: {text}", "make an alert that says: {text}",
    "could you send an alert that {text}?", "could you warn everyone that {text}?", "can you alert the (crew|team|owner) that {text}?",
    "would you raise an alarm that {text}?", "any chance you could alert the crew that {text}?", "I want an alert sent: {text}",
    "I want everyone warned that {text}", "I'd like an alert out that {text}", "I need an alarm to go out: {text}", "we need an alert: {text}",
    "the crew must be alerted that {text}", "everybody has to be warned that {text}", "everyone should get the alert: {text}",
    "people must be warned: {text}", "let an alert go out that {text}", "this as an alarm please: {text}", "as an alert: {text}",
    "urgent, alert everyone: {text}", "quick, send an alarm: {text}", "please alert: {text}", "please warn us all that {text}",
    "pls send alert: {text}",
]

HELD_OUT_ALERT = [
    "let an alert go out: {text}", "the crew should get an alert: {text}", "push out an alert that {text}",
]

ADJECTIVES = {
    "temperature": {
        "ask": [
            "how warm is it {p}?", "how (cold|hot|cool) is it {p}?", "how warm is it {p} (now|right now|at the moment)?",
            "is it (warm|cold|hot) {p}?", "tell me how (warm|cold) it is {p}", "what's the temperature like {p}?",
            "how many degrees do we have {p}?", "how hot has it got {p}?",
        ],
        ">": [
            "it is (warmer|hotter) than {n} {p}", "it gets (warmer|hotter) than {n} {p}", "it has got hotter than {n} {p}", "it's above {n} {p}",
            "it is more than {n} {p}", "it is too warm {p}, say over {n}", "the air {p} is warmer than {n}",
        ],
        "<": [
            "it is (colder|cooler) than {n} {p}", "it gets (colder|cooler) than {n} {p}", "it has got colder than {n} {p}", "it's below {n} {p}",
            "it is less than {n} {p}", "it is too cold {p}, say under {n}", "the air {p} is colder than {n}",
        ],
        "isit>": [
            "is it (warmer|hotter) than {n} {p}", "has it got (warmer|hotter) than {n} {p}", "is it above {n} {p}", "is it over {n} {p}",
            "does it feel hotter than {n} {p}", "is the air {p} warmer than {n}",
        ],
        "isit<": [
            "is it (colder|cooler) than {n} {p}", "has it got (colder|cooler) than {n} {p}", "is it below {n} {p}", "is it under {n} {p}",
            "is it down under {n} {p}", "is the air {p} colder than {n}",
        ],
    },
    "humidity": {
        "ask": [
            "how (humid|damp|dry|muggy) is it {p}?", "how (humid|moist|dry) is the air {p}?", "is it (humid|damp|dry) {p}?",
            "tell me how humid it is {p}", "how much moisture is in the air {p}?", "what is the air like {p}, humid or dry?",
        ],
        ">": [
            "it is (more humid|damper) than {n} {p}", "the air {p} is (damper|moister) than {n}", "it gets more humid than {n} {p}",
            "the air {p} holds more than {n} humidity", "it's too damp {p}, over {n}",
        ],
        "<": [
            "it is (less humid|drier) than {n} {p}", "the air {p} is drier than {n}", "it gets drier than {n} {p}",
            "the air {p} holds less than {n} humidity", "it's too dry {p}, under {n}",
        ],
        "isit>": [
            "is it (more humid|damper) than {n} {p}", "is the air {p} (damper|moister) than {n}", "has it got damper than {n} {p}",
            "has it become more humid than {n} {p}", "is the air {p} more humid than {n}",
        ],
        "isit<": [
            "is it (less humid|drier) than {n} {p}", "is the air {p} drier than {n}", "has it got drier than {n} {p}",
            "has it become less humid than {n} {p}", "is the air {p} less humid than {n}",
        ],
    },
    "soil": {
        "ask": [
            "how (wet|dry|moist|damp) is the soil {p}?", "how (wet|dry|damp) is it {p}?", "how (thirsty|dry) are the plants {p}?",
            "is the soil (dry|wet|moist) {p}?", "does it need watering {p}?", "tell me how (dry|moist) the ground is {p}",
            "how's the earth {p}, dry or damp?",
        ],
        ">": [
            "the soil {p} is (wetter|moister|damper) than {n}", "the ground is wetter than {n} {p}", "it is wetter than {n} {p}",
            "the earth {p} holds more than {n}", "the soil has got wetter than {n} {p}",
        ],
        "<": [
            "the soil {p} is drier than {n}", "the ground is drier than {n} {p}", "it is drier than {n} {p}", "the earth {p} holds less than {n}",
            "the soil has dried out below {n} {p}", "the soil {p} is less moist than {n}",
        ],
        "isit>": [
            "is the soil {p} (wetter|moister|damper) than {n}", "is the ground wetter than {n} {p}", "is it wetter than {n} {p}",
            "is the earth {p} damper than {n}", "has the soil got wetter than {n} {p}",
        ],
        "isit<": [
            "is the soil {p} drier than {n}", "is the ground drier than {n} {p}", "is it drier than {n} {p}", "is the earth {p} less damp than {n}",
            "has the soil dried out below {n} {p}",
        ],
    },
    "level": {
        "ask": [
            "how (full|empty) is {q}?", "how high is {q}?", "how low has {q} got?", "how much is left in {q}?", "is {q} (full|empty|low)?",
            "tell me how full {q} is", "how far has {q} filled up?", "how full is {q} by now?",
        ],
        ">": [
            "{q} is fuller than {n}", "{q} is more than {n} full", "{q} has filled up past {n}", "{q} is filled above {n}",
            "{q} gets fuller than {n}", "{q} is over {n} full",
        ],
        "<": [
            "{q} is emptier than {n}", "{q} is less than {n} full", "{q} has run down below {n}", "{q} has emptied to under {n}",
            "{q} gets emptier than {n}", "{q} is not even {n} full",
        ],
        "isit>": [
            "is {q} fuller than {n}", "is {q} more than {n} full", "has {q} filled up past {n}", "is {q} filled above {n}",
            "has {q} got fuller than {n}", "is {q} over {n} full",
        ],
        "isit<": [
            "is {q} emptier than {n}", "is {q} less than {n} full", "has {q} run down below {n}", "has {q} emptied to under {n}",
            "has {q} got emptier than {n}", "is {q} under {n} full",
        ],
    },
    "pressure": {
        "ask": [
            "how much pressure is there {p}?", "how much pressure do we have {p}?", "how high is the pressure {p}?",
            "is there (enough|any) pressure {p}?", "how many bar {p}?", "what pressure are we at {p}?", "tell me what pressure there is {p}",
        ],
        ">": [
            "there is more than {n} of pressure {p}", "there's over {n} {p}", "we have more than {n} of pressure {p}",
            "the pressure {p} is stronger than {n}", "more than {n} builds up {p}", "the pressure is over {n} {p}",
        ],
        "<": [
            "there is less than {n} of pressure {p}", "there's under {n} {p}", "we have less than {n} of pressure {p}",
            "the pressure {p} is weaker than {n}", "we're losing pressure {p}, under {n}", "the pressure is under {n} {p}",
        ],
        "isit>": [
            "is there more than {n} of pressure {p}", "do we have more than {n} of pressure {p}", "is there over {n} {p}",
            "has the pressure built up past {n} {p}", "is the pressure over {n} {p}",
        ],
        "isit<": [
            "is there less than {n} of pressure {p}", "do we have less than {n} of pressure {p}", "is there under {n} {p}",
            "has the pressure dropped below {n} {p}", "is the pressure under {n} {p}",
        ],
    },
    "light": {
        "ask": [
            "how (bright|dark|light) is it {p}?", "how much light is there {p}?", "how much light do we get {p}?", "is it (bright|dark) {p}?",
            "is there enough light {p}?", "tell me how (bright|dark) it is {p}", "how dim is it {p}?",
        ],
        ">": [
            "it is (brighter|lighter) than {n} {p}", "it gets brighter than {n} {p}", "there is more light than {n} {p}",
            "there is more than {n} of light {p}", "the light {p} is stronger than {n}",
        ],
        "<": [
            "it is (darker|dimmer) than {n} {p}", "it gets darker than {n} {p}", "there is less light than {n} {p}",
            "there is less than {n} of light {p}", "the light {p} is weaker than {n}",
        ],
        "isit>": [
            "is it (brighter|lighter) than {n} {p}", "has it got brighter than {n} {p}", "is there more light than {n} {p}",
            "is there more than {n} of light {p}", "is the light {p} stronger than {n}",
        ],
        "isit<": [
            "is it (darker|dimmer) than {n} {p}", "has it got darker than {n} {p}", "is there less light than {n} {p}",
            "is there less than {n} of light {p}", "is the light {p} weaker than {n}",
        ],
    },
    "thickness": {
        "ask": [
            "how (thick|thin) is {q}?", "how thick has {q} got?", "is {q} thick?", "tell me how thick {q} is", "how much has built up on {q}?",
            "what does {q} measure?",
        ],
        ">": [
            "{q} is thicker than {n}", "{q} has got thicker than {n}", "{q} is more than {n} thick", "{q} has grown past {n}",
            "{q} has built up to more than {n}",
        ],
        "<": [
            "{q} is thinner than {n}", "{q} has got thinner than {n}", "{q} is less than {n} thick", "{q} has worn below {n}",
            "{q} is down to less than {n}",
        ],
        "isit>": [
            "is {q} thicker than {n}", "has {q} got thicker than {n}", "is {q} more than {n} thick", "has {q} grown past {n}",
            "has {q} built up to more than {n}",
        ],
        "isit<": [
            "is {q} thinner than {n}", "has {q} got thinner than {n}", "is {q} less than {n} thick", "has {q} worn below {n}",
            "is {q} down to less than {n}",
        ],
    },
    "flow": {
        "ask": [
            "how (fast|strong) is {q}?", "how much is flowing {p}?", "how much is running through {p}?", "is anything flowing {p}?",
            "how fast is it flowing {p}?", "tell me how much flows {p}", "how much flow do we have {p}?",
        ],
        ">": [
            "{q} is (stronger|faster) than {n}", "more than {n} is flowing {p}", "it flows faster than {n} {p}",
            "there is more than {n} coming through {p}", "we get more than {n} of flow {p}",
        ],
        "<": [
            "{q} is (weaker|slower) than {n}", "less than {n} is flowing {p}", "it flows slower than {n} {p}",
            "there is less than {n} coming through {p}", "we get less than {n} of flow {p}",
        ],
        "isit>": [
            "is {q} (stronger|faster) than {n}", "is more than {n} flowing {p}", "does it flow faster than {n} {p}",
            "is there more than {n} coming through {p}", "do we get more than {n} of flow {p}",
        ],
        "isit<": [
            "is {q} (weaker|slower) than {n}", "is less than {n} flowing {p}", "does it flow slower than {n} {p}",
            "is there less than {n} coming through {p}", "do we get less than {n} of flow {p}",
        ],
    },
    "speed": {
        "ask": [
            "how (fast|slow) is {q}?", "how fast is {q} now?", "how fast are we going on {q}?", "tell me how fast {q} is", "is {q} fast?",
            "how quick is {q} at the moment?",
        ],
        ">": [
            "{q} is (faster|quicker) than {n}", "{q} has got faster than {n}", "{q} gets faster than {n}", "{q} has sped up past {n}",
            "we're going faster than {n} on {q}",
        ],
        "<": [
            "{q} is slower than {n}", "{q} has got slower than {n}", "{q} gets slower than {n}", "{q} has slowed to below {n}",
            "we're going slower than {n} on {q}",
        ],
        "isit>": [
            "is {q} (faster|quicker) than {n}", "has {q} got faster than {n}", "has {q} sped up past {n}", "are we going faster than {n} on {q}",
            "is {q} any faster than {n}",
        ],
        "isit<": [
            "is {q} slower than {n}", "has {q} got slower than {n}", "has {q} slowed to below {n}", "are we going slower than {n} on {q}",
            "is {q} any slower than {n}",
        ],
    },
    "power": {
        "ask": [
            "how much power are we using {p}?", "how much (power|electricity) is being drawn {p}?", "how much is being used {p}?",
            "how strong is {q}?", "what are we drawing {p}?", "how big is the load {p}?", "tell me how much power goes out {p}",
        ],
        ">": [
            "more than {n} is being drawn {p}", "we are using more than {n} {p}", "we draw more than {n} {p}", "{q} is stronger than {n}",
            "{q} is heavier than {n}", "the load {p} is bigger than {n}",
        ],
        "<": [
            "less than {n} is being drawn {p}", "we are using less than {n} {p}", "we draw less than {n} {p}", "{q} is weaker than {n}",
            "{q} is lighter than {n}", "the load {p} is smaller than {n}",
        ],
        "isit>": [
            "is more than {n} being drawn {p}", "are we using more than {n} {p}", "do we draw more than {n} {p}", "is {q} stronger than {n}",
            "is the load {p} bigger than {n}",
        ],
        "isit<": [
            "is less than {n} being drawn {p}", "are we using less than {n} {p}", "do we draw less than {n} {p}", "is {q} weaker than {n}",
            "is the load {p} smaller than {n}",
        ],
    },
    "gas": {
        "ask": [
            "how (stuffy|stale|bad|fresh) is the air {p}?", "how good is the air {p}?", "how much {q0} is there {p}?",
            "is the air (bad|stale|all right) {p}?", "how much gas is in the air {p}?", "tell me how (stuffy|stale) it is {p}",
            "how thick is the air {p}?",
        ],
        ">": [
            "the air {p} is (worse|staler|stuffier) than {n}", "the air gets worse than {n} {p}", "there is more than {n} in the air {p}",
            "more than {n} has built up {p}", "the air {p} is at more than {n}",
        ],
        "<": [
            "the air {p} is (better|fresher|cleaner) than {n}", "the air gets better than {n} {p}", "there is less than {n} in the air {p}",
            "less than {n} is left in the air {p}", "the air {p} is at less than {n}",
        ],
        "isit>": [
            "is the air {p} (worse|staler|stuffier) than {n}", "has the air got worse than {n} {p}", "is there more than {n} in the air {p}",
            "has more than {n} built up {p}", "is the air {p} at more than {n}",
        ],
        "isit<": [
            "is the air {p} (better|fresher|cleaner) than {n}", "has the air got better than {n} {p}", "is there less than {n} in the air {p}",
            "is less than {n} left in the air {p}", "is the air {p} at less than {n}",
        ],
    },
    "weight": {
        "ask": [
            "how (heavy|light) is {q}?", "how much does {q} weigh?", "what does {q} weigh?", "tell me how heavy {q} is", "is {q} heavy?",
            "how much weight is there {p}?", "how many kilos {p}?",
        ],
        ">": [
            "{q} is heavier than {n}", "{q} weighs more than {n}", "{q} has got heavier than {n}", "there is more than {n} of weight {p}",
            "{q} weighs in above {n}",
        ],
        "<": [
            "{q} is lighter than {n}", "{q} weighs less than {n}", "{q} has got lighter than {n}", "there is less than {n} of weight {p}",
            "{q} weighs in below {n}",
        ],
        "isit>": [
            "is {q} heavier than {n}", "does {q} weigh more than {n}", "has {q} got heavier than {n}", "is there more than {n} of weight {p}",
            "does {q} weigh in above {n}",
        ],
        "isit<": [
            "is {q} lighter than {n}", "does {q} weigh less than {n}", "has {q} got lighter than {n}", "is there less than {n} of weight {p}",
            "does {q} weigh in below {n}",
        ],
    },
    "generic": {
        "ask": [
            "how high is {q} (now|right now|at the moment|today)?", "how (high|low) has {q} got?", "how far up is {q}?", "is {q} (high|low)?",
            "tell me how (high|low) {q} is", "how high are we on {q}?", "how's {q} looking?",
        ],
        ">": [
            "{q} is higher than {n}", "{q} is bigger than {n}", "{q} gets higher than {n}", "{q} has got higher than {n}", "{q} is up over {n}",
            "{q} looks higher than {n}",
        ],
        "<": [
            "{q} is lower than {n}", "{q} is smaller than {n}", "{q} gets lower than {n}", "{q} has got lower than {n}", "{q} is down under {n}",
            "{q} looks lower than {n}",
        ],
        "isit>": [
            "is {q} higher than {n}", "is {q} bigger than {n}", "has {q} got higher than {n}", "is {q} up over {n}", "does {q} look higher than {n}",
        ],
        "isit<": [
            "is {q} lower than {n}", "is {q} smaller than {n}", "has {q} got lower than {n}", "is {q} down under {n}",
            "does {q} look lower than {n}",
        ],
    },
}
