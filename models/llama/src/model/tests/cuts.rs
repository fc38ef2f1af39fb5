//! Nothing twice: runs, acknowledgements, cancels, and going on after a cut.

use super::*;

#[tokio::test(flavor = "current_thread")]
async fn generation_cut_at_any_token_goes_on_and_samples_none_again() {
    let mut loaded = load(Tiny::default());
    for (seed, temperature) in [(1, 0.0), (2, 1.0), (9, 1.0)] {
        let mut base = request("cool");
        base.seed = seed;
        base.tokens_max = 40;
        base.sampling.temperature = temperature;
        let whole = generate(&mut loaded.model, base.clone()).await;
        for cut in 0..=whole.tokens.len() {
            fs::write(&loaded.log, "").unwrap();
            let mut request = base.clone();
            request.generated = whole.tokens[..cut].to_vec();
            let resumed = generate(&mut loaded.model, request).await;
            assert_eq!((&resumed.tokens, &resumed.end), (&whole.tokens, &whole.end), "cut at {cut}");
            let counts = counts(&loaded.log);
            for position in 0..whole.tokens.len() {
                let times = counts.get(&(1, position)).copied().unwrap_or_default();
                assert_eq!(times, usize::from(position >= cut), "position {position}, cut at {cut}");
            }
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn no_token_is_sampled_beyond_one_run_ahead() {
    let mut loaded = load(Tiny::default());
    let model = &mut loaded.model;
    let mut checks = 0;
    for seed in 0..20 {
        let mut request = request("cool");
        request.seed = seed;
        request.run_tokens_max = 5;
        // On a slow machine a run of the one before may still be on its way when it is cancelled.
        request.activity = ActivityId(100 + seed);
        let activity = request.activity;
        fs::write(&loaded.log, "").unwrap();
        model.submit(request);
        let (mut taken, mut accepted) = (0, 0);
        while taken < 60 {
            match model.next_event().await {
                ModelEvent::Tokens { activity: of, .. } if of != activity => continue,
                ModelEvent::Tokens { tokens, end: None, .. } => taken += tokens.len(),
                ModelEvent::Progress { .. } => continue,
                ModelEvent::Tokens { .. } => break,
                other => panic!("{other:?}"),
            }
            let sampled = counts(&loaded.log).len();
            assert!(sampled <= accepted + 5, "{sampled} sampled with {accepted} accepted");
            if taken == accepted + 5 {
                checks += 1;
                // Less than all is acknowledged: as many fewer may follow. A foreign one changes nothing.
                model.accepted(ActivityId(9), 1000);
                accepted = taken - 2;
                model.accepted(activity, accepted);
            }
        }
        model.cancel(activity);
    }
    assert!(checks > 20, "only {checks} full runs were seen");
}

#[tokio::test(flavor = "current_thread")]
async fn cancel_ends_a_prompt_within_one_chunk() {
    let mut loaded = load(Tiny::default());
    let long = "air ".repeat(400);
    loaded.model.submit(Request { activity: ActivityId(5), ..request(&long) });
    let total = match loaded.model.next_event().await {
        ModelEvent::Progress { evaluated: 0, total, .. } => total,
        other => panic!("{other:?}"),
    };
    assert!(total > 500);
    loaded.model.cancel(ActivityId(5));
    // The next one is worked on at once, and the cache tells how far the cancelled one came.
    let mut next = request(&long);
    next.activity = ActivityId(6);
    loaded.model.submit(next);
    let mut cached_max = 0;
    loop {
        match loaded.model.next_event().await {
            ModelEvent::Progress { activity: ActivityId(5), .. } => {}
            ModelEvent::Progress { activity: ActivityId(6), cached, evaluated, .. } => {
                cached_max = cached_max.max(cached);
                if evaluated == total {
                    break;
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(cached_max + 1 < total, "the cancelled prompt was evaluated to its end");
    loaded.model.cancel(ActivityId(6));
}

#[tokio::test(flavor = "current_thread")]
async fn next_step_evaluates_only_what_is_new() {
    let mut loaded = load(Tiny::default());
    let mut first = request("cool");
    first.tokens_max = 30;
    let outcome = generate(&mut loaded.model, first.clone()).await;
    assert_eq!(outcome.cached, 0);
    let said = Message::Assistant { tokens: outcome.tokens.clone(), text: String::new() };
    let mut second = first.clone();
    second.generation = GenerationId(2);
    second.messages.extend([said, Message::Tool("air -4.2 C".to_owned())]);
    let next = generate(&mut loaded.model, second.clone()).await;
    // The last token of a reply need not be in the cache yet.
    let kept = outcome.evaluated as usize + outcome.tokens.len() - 1;
    assert!(next.cached as usize >= kept, "{} of {kept} were kept", next.cached);
    assert!(next.evaluated > next.cached);
    // Another conversation shares the head alone.
    second.messages = vec![Message::System("be brief".to_owned()), Message::User("warm".to_owned())];
    let other = generate(&mut loaded.model, second).await;
    assert!(other.cached > 0 && other.cached < outcome.evaluated);
}

#[tokio::test(flavor = "current_thread")]
async fn prompt_that_does_not_fit_is_told_with_the_numbers() {
    let mut model = load(Tiny::default()).model;
    model.submit(request(&"air ".repeat(2000)));
    match model.next_event().await {
        ModelEvent::ContextFull { tokens, tokens_max: 2048, .. } => assert!(tokens > 2048),
        other => panic!("{other:?}"),
    }
    // The engine goes on.
    let mut request = request("cool");
    request.sampling.temperature = f32::NAN;
    assert!(generate(&mut model, request).await.end.unwrap_err().contains("temperature"));
}
