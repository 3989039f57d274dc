//! What is allowed, what is raised, what is refused.

use proptest::prelude::*;

use super::*;

fn options() -> WorkerOptions {
    WorkerOptions::new(ConnectOptions::new("127.0.0.1:7233", "default"), "queue")
}

fn with(change: impl FnOnce(&mut WorkerOptions)) -> WorkerOptions {
    let mut options = options();
    change(&mut options);
    options
}

fn fixed(workflow: u32, activity: u32, local_activity: u32) -> Slots {
    Slots::Fixed {
        workflow,
        activity,
        local_activity,
    }
}

fn scaling(initial: u32, minimum: u32, maximum: u32) -> Pollers {
    Pollers::Autoscaling {
        initial,
        minimum,
        maximum,
    }
}

#[test]
fn all_profiles_cover_a_default_server_as_they_are() {
    for profile in WorkerProfile::ALL {
        let options = with(|options| options.tuning = profile.tuning());
        let settled = options.settle(4).unwrap();
        assert_eq!(settled, (profile.tuning(), Vec::new()), "{profile}");
    }
}

#[test]
fn the_default_of_the_sdk_is_refused_and_the_remedy_works() {
    let mut options = with(|options| {
        options.tuning.workflow_pollers = Pollers::Fixed { count: 5 };
        options.asked.workflow = true;
    });
    let Err(OptionsError::TooFewPollers {
        flag: "--workflow-pollers",
        normal: 1,
        minimum,
        fixed,
        ..
    }) = options.settle(4)
    else {
        panic!("5 pollers are a single one on the normal queue");
    };
    options.tuning.workflow_pollers = Pollers::Fixed { count: fixed };
    options.settle(4).unwrap();
    options.tuning.workflow_pollers = scaling(minimum, minimum, minimum);
    options.settle(4).unwrap();
    options.tuning.workflow_pollers = Pollers::Fixed { count: 5 };
    options.settle(1).unwrap();
    options.count = 5;
    options.settle(4).unwrap();
}

#[test]
fn pollers_of_a_profile_are_raised_and_that_is_told() {
    let options = with(|options| options.tuning = WorkerProfile::Default.tuning());
    let (tuning, notes) = options.settle(16).unwrap();
    assert_eq!(tuning.workflow_pollers, Pollers::Fixed { count: 85 });
    // All polls for activities poll the one queue that they have.
    assert_eq!(tuning.activity_pollers, Pollers::Fixed { count: 32 });
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("raised to 85"), "{notes:?}");

    let options = with(|options| options.tuning = WorkerProfile::Small.tuning());
    let (tuning, notes) = options.settle(16).unwrap();
    assert_eq!(
        (tuning.workflow_pollers, tuning.activity_pollers),
        (scaling(17, 17, 20), scaling(17, 17, 20))
    );
    assert_eq!(notes.len(), 2, "{notes:?}");
}

#[test]
fn too_few_slots_for_the_polls_are_refused() {
    let options = with(|options| options.tuning.slots = fixed(5, 200, 200));
    let error = options.settle(4).unwrap_err();
    assert!(
        matches!(
            error,
            OptionsError::TooFewSlots {
                flag: "--workflow-slots",
                least: 6,
                ..
            }
        ),
        "{error}"
    );
    with(|options| options.tuning.slots = fixed(6, 5, 1)).settle(4).unwrap();
    let error = with(|options| options.tuning.slots = fixed(6, 4, 1))
        .settle(4)
        .unwrap_err();
    assert!(error.to_string().starts_with("--activity-slots 4"), "{error}");
}

#[test]
fn a_limit_of_activities_turns_eager_ones_off() {
    let (tuning, notes) = with(|options| options.tuning.activities_per_second = Some(5.0))
        .settle(4)
        .unwrap();
    assert!(!tuning.eager_activities);
    assert_eq!(notes.len(), 1);
}

proptest! {
    /// Whatever is settled covers all partitions: more normal polls than partitions, and a slot for each of them.
    #[test]
    fn what_is_settled_covers_every_partition(
        partitions in 1_u32..64,
        count in 1_u32..8,
        pollers in prop_oneof![
            (2_u32..200).prop_map(|count| Pollers::Fixed { count }),
            (1_u32..50, 0_u32..50, 0_u32..50).prop_map(|(minimum, more, most)| scaling(minimum + more, minimum, minimum + more + most)),
        ],
        slots in 2_u32..300,
        cached in any::<bool>(),
    ) {
        let options = with(|options| {
            options.count = count;
            options.tuning.workflow_pollers = pollers;
            options.tuning.activity_pollers = pollers;
            options.tuning.slots = fixed(slots, slots, slots);
            options.tuning.max_cached_workflows = u32::from(cached);
        });
        let needed = if partitions > 1 { partitions + 1 } else { 1 };
        match options.settle(partitions) {
            Ok((tuning, _)) => {
                let settled = WorkerOptions { tuning, ..options };
                prop_assert!(settled.normal_polls() >= needed);
                let (again, notes) = settled.settle(partitions).unwrap();
                prop_assert_eq!((again, notes), (settled.tuning, Vec::new()));
            }
            Err(OptionsError::TooFewSlots { least, .. }) => prop_assert!(slots < least),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}
