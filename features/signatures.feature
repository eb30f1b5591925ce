Feature: Signed versions
  An operator has versions signed, so that nobody who can only write to the store can have one answer.

  Scenario: What was signed with our key answers
    Given version "v1" was trained with our key
    When a reading of a healthy vehicle is scored
    Then version "v1" answers

  Scenario: What nobody signed is refused by name
    Given version "v1" was trained without a key
    When a reading of a healthy vehicle is scored
    Then it is refused, for "v1" is not signed

  Scenario: The last version that was signed keeps answering
    Given version "v1" was trained with our key
    And somebody without our key puts version "v2" there, as the latest
    When a reading of a healthy vehicle is scored
    Then version "v1" answers

  Scenario: A key is changed without training again
    Given version "v1" was trained with our key
    And a new key signs, and ours is still accepted
    When a reading of a healthy vehicle is scored
    Then version "v1" answers

  Scenario: A version from before is signed in a copy
    Given version "v1" was trained without a key
    When the operator signs version "v1" in a copy
    And a reading of a healthy vehicle is scored from the copy
    Then version "v1" answers
