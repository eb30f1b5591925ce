Feature: Versions of a model
  An operator sees which versions there are, promotes one, and rolls back to one.

  Background:
    Given version "v1" of model "default" was trained on healthy vehicles
    And version "v2" of model "default" was trained on healthy vehicles

  Scenario: The newest comes first
    When I list the versions of model "default"
    Then they are "v2, v1"
    And "v2" is marked as the latest

  Scenario: Rolling back
    When I make version "v1" the latest of model "default"
    And I score a reading of a healthy vehicle
    Then the verdict is by version "v1" of model "default"

  Scenario: Rolling forward again
    Given version "v1" was made the latest of model "default"
    When I make version "v2" the latest of model "default"
    And I score a reading of a healthy vehicle
    Then the verdict is by version "v2" of model "default"

  Scenario: A version that nobody trained cannot become the latest
    When I make version "v9" the latest of model "default"
    Then it is refused as "unknown-model-version", naming "v9"
    And version "v2" is still the latest of model "default"

  Scenario: Sending an old batch again does not undo a roll-back
    Given version "v1" was made the latest of model "default"
    When version "v2" of model "default" is sent again
    Then version "v1" is still the latest of model "default"

  Scenario: Another trainer publishes a version
    When another trainer publishes version "v3" of model "default"
    And I score a reading of a healthy vehicle
    Then the verdict is by version "v3" of model "default"

  Scenario: What is known of a version
    When I ask for version "v1" of model "default"
    Then it says it was trained on 100 readings of 3 features

  Scenario: A model that nobody trained has no versions
    When I list the versions of model "trucks"
    Then it is refused as "unknown-model", naming "trucks"
