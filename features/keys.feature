Feature: Who may ask for what
  A fleet engineer gives each system a key of its own: for what it does, for its models, and for as often as it
  may ask.

  Background:
    Given version "v1" of model "vans" was trained on healthy vehicles
    And version "v1" of model "trucks" was trained on healthy vehicles
    And the key "gateway" may score, with model "vans"
    And the key "trainer" may train, once
    And the key "lead" may look at models and promote

  Scenario: A gateway scores with its model
    When "gateway" scores a reading with model "vans"
    Then it gets a verdict

  Scenario: Without a key nobody gets anything
    When somebody without a key scores a reading with model "vans"
    Then it is turned away for "no-key"

  Scenario: A key that nobody gave out
    When "stranger" scores a reading with model "vans"
    Then it is turned away for "unusable-key"

  Scenario: A gateway does not train
    When "gateway" trains model "vans"
    Then it is turned away for "missing-scope"
    And model "vans" still has 1 version

  Scenario: A gateway learns nothing of other models
    When "gateway" scores a reading with model "trucks"
    Then it is turned away for "foreign-model"

  Scenario: Who asks too often waits
    When "trainer" trains model "vans"
    And "trainer" trains model "vans"
    Then it is turned away for "too-many-requests"
    And it is told when to ask again
    And model "vans" still has 2 versions
